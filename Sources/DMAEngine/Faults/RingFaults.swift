internal import CDMADev
internal import DMADev
internal import LinuxSystem
internal import Synchronization

/// The faults of one ring between a start and its stop.
public struct RingFaults: Sendable {
    /// The plan without ended outages.
    public let plan: FaultPlan
    /// Number of operations of the channel before the start.
    public let before: UInt64
    /// The halt state of the device, shared by its rings.
    public let halt: DeviceHalt

    /// Values are not checked.
    public init(plan: FaultPlan, before: UInt64, halt: DeviceHalt) {
        self.plan = plan
        self.before = before
        self.halt = halt
    }
}

/// The faults of a device between a start and its stop.
struct DeviceFaults {
    private let plan: FaultPlan
    private let submitted: [UInt16: UInt64]
    private let halt: DeviceHalt

    /// - Parameter submitted: number of operations of each channel before the start. An outage starts with an operation
    ///   and ends with the next stop, so these numbers show whether it has ended.
    init(_ plan: FaultPlan, submitted: [UInt16: UInt64]) {
        var plan = plan
        var isHalted = false
        if let outage = plan.halt, (submitted.values.max() ?? 0) >= outage.number {
            isHalted = outage.isSticky
            if !isHalted { plan.halt = nil }
        }
        self.plan = plan
        self.submitted = submitted
        halt = DeviceHalt(isHalted: isHalted)
    }

    func faults(of vchan: UInt16) -> RingFaults {
        let before = submitted[vchan, default: 0]
        var plan = plan
        if let outage = plan.freeze, !outage.isSticky, before >= outage.number { plan.freeze = nil }
        return RingFaults(plan: plan, before: before, halt: halt)
    }
}

/// Halts all rings of a device at once, through a word in each ring's memory.
public final class DeviceHalt: Sendable {
    private let halted: Atomic<Bool>
    private let rings = Locked<[RingMemory]>([])

    /// - Parameter isHalted: whether the device is halted from the start.
    public init(isHalted: Bool = false) {
        halted = Atomic(isHalted)
    }

    /// Whether the device is halted.
    public var isHalted: Bool { halted.load(ordering: .acquiring) }

    func add(_ ring: RingMemory) {
        rings.withLock { rings in
            rings.append(ring)
            if isHalted { Self.mark(ring) }
        }
    }

    func halt() {
        rings.withLock { rings in
            halted.store(true, ordering: .releasing)
            rings.forEach(Self.mark)
        }
    }

    /// With release: a reader of the word also sees earlier publications.
    private static func mark(_ ring: RingMemory) {
        ring.consumerPage.member(\.halted).atomic.pointee.store(1, ordering: .releasing)
        ring.copy?.halt()
    }
}
