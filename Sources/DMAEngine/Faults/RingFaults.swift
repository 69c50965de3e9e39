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
    /// Later plans, and the number of the last one that is in `plan`; `nil`: there are none.
    var updates: (source: FaultUpdates, seen: UInt64)?

    /// Values are not checked.
    public init(plan: FaultPlan, before: UInt64, halt: DeviceHalt) {
        self.plan = plan
        self.before = before
        self.halt = halt
    }
}

/// The plan of a device, which can be replaced while the engine injects its faults.
final class FaultUpdates: Sendable {
    private let current: Locked<FaultPlan>
    private let count = Atomic<UInt64>(0)

    init(_ plan: FaultPlan) {
        current = Locked(plan)
    }

    /// The plan, and the number of plans before it.
    var latest: (plan: FaultPlan, number: UInt64) {
        current.withLock { ($0, count.load(ordering: .relaxed)) }
    }

    /// The number of the latest plan.
    var number: UInt64 { count.load(ordering: .relaxed) }

    func replace(_ plan: FaultPlan) {
        current.withLock { current in
            current = plan
            count.add(1, ordering: .relaxed)
        }
    }
}

/// The faults of a device between a start and its stop.
struct DeviceFaults {
    private let updates: (source: FaultUpdates, seen: UInt64)
    private let plan: FaultPlan
    private let submitted: [UInt16: UInt64]
    private let halt: DeviceHalt

    /// - Parameter submitted: number of operations of each channel before the start. An outage starts with an operation
    ///   and ends with the next stop, so these numbers show whether it has ended.
    init(_ updates: FaultUpdates, submitted: [UInt16: UInt64]) {
        let latest = updates.latest
        self.updates = (updates, latest.number)
        var plan = latest.plan
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
        var faults = RingFaults(plan: plan, before: before, halt: halt)
        faults.updates = updates
        return faults
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
