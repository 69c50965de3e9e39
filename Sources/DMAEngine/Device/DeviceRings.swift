internal import CDMADev
public import DMADev
internal import LinuxSystem
internal import SystemPackage

/// The channels of a ring-backed device: what they are configured as, their rings while the device is started, and what
/// they have counted. A driver has one, and ``RingDriver`` does the rest.
public final class DeviceRings: Sendable {
    private struct State {
        var properties: DeviceProperties
        var id: Int16 = -1
        var configuration = DeviceConfiguration(virtualChannelCount: 0)
        var channels: [UInt16: VirtualChannelConfiguration] = [:]
        /// What rings of earlier starts have counted, of every channel that ever was set up.
        var totals: [UInt16: ChannelCounters] = [:]
        /// By channel, while started.
        var rings: [ApplicationRing] = []
        var dataPath: RingDataPath?
        var plan: FaultPlan?
    }

    private let state: Locked<State>

    /// No channels yet.
    public init(_ properties: DeviceProperties) {
        state = Locked(State(properties: properties))
    }

    deinit {
        // A device dropped without being stopped: its rings must leave the engine before their memory goes.
        for ring in state.withLock({ $0.rings }) { ring.engineRing?.retire() }
    }

    /// What the device is.
    public var properties: DeviceProperties { state.withLock { $0.properties } }

    /// The number that the registry gave the device; -1 before.
    public var deviceID: Int16 { state.withLock { $0.id } }

    func register(as id: Int16) { state.withLock { $0.id = id } }

    /// Has the engine make faults on purpose from the next start on.
    ///
    /// - Parameters:
    ///   - driver: what the device calls its driver from now on.
    /// - Throws: `EINVAL` for a plan that cannot be, and when there is a plan already.
    public func inject(_ plan: FaultPlan, driver: String) throws(DMAError) {
        try plan.validate()
        try state.withLock { state throws(DMAError) in
            guard state.plan == nil else {
                throw DMAError(.invalidArgument, .invalidArgument, "the device has a fault plan already: it has one")
            }
            state.plan = plan
            state.properties.driver = driver
        }
    }

    func configure(_ configuration: DeviceConfiguration) {
        state.withLock { state in
            state.configuration = configuration
            state.channels = [:]
        }
    }

    func setUp(_ vchan: UInt16, _ configuration: VirtualChannelConfiguration) {
        state.withLock { state in
            state.channels[vchan] = configuration
            if state.totals[vchan] == nil { state.totals[vchan] = ChannelCounters() }
        }
    }

    /// Makes the rings and fills in the functions. When a ring cannot be made, those before it are discarded.
    func start(
        _ path: inout dmadev_data_path, make: (RingRequest) throws(DMAError) -> ApplicationRing,
        discard: ([ApplicationRing]) -> Void
    ) throws(DMAError) {
        let now = state.withLock { $0 }
        let faults = now.plan.map { DeviceFaults($0, submitted: now.totals.mapValues(\.application.submitted)) }
        var rings: [ApplicationRing] = []
        do throws(DMAError) {
            for (vchan, channel) in now.channels.sorted(by: { $0.key < $1.key }) {
                rings.append(
                    try make(
                        RingRequest(
                            device: now.id, vchan: vchan, configuration: now.configuration, channel: channel,
                            layout: RingLayout(
                                descriptorCount: Int(channel.descriptorCount),
                                maximumEntries: Int(now.properties.maximumEntryCount)),
                            faults: faults?.faults(of: vchan))))
            }
        } catch {
            discard(rings)
            throw error
        }
        let dataPath = RingDataPath(rings)
        dataPath.fill(
            &path, now.properties.capabilities, now.configuration.flags,
            canHalt: faults != nil || rings.contains { $0.producer.hasLiveness })
        state.withLock { [rings] state in
            state.rings = rings
            state.dataPath = dataPath
        }
    }

    /// - Parameter end: ends all work of the rings; they stay for those who read until that is done.
    func stop(_ end: ([ApplicationRing]) -> Void) {
        end(state.withLock { $0.rings })
        state.withLock { state in
            for (vchan, ring) in state.rings.enumerated() {
                state.totals[UInt16(vchan), default: ChannelCounters()] =
                    state.totals[UInt16(vchan), default: ChannelCounters()] + ring.counters
            }
            state.rings = []
            state.dataPath = nil
        }
    }

    func counters(of vchan: UInt16) -> ChannelCounters? {
        // Both under one lock: a stop moves counts from one to the other.
        state.withLock { state in
            guard let total = state.totals[vchan] else { return nil }
            return Int(vchan) < state.rings.count ? total + state.rings[Int(vchan)].counters : total
        }
    }

    func ring(_ vchan: UInt16) -> ApplicationRing? {
        state.withLock { Int(vchan) < $0.rings.count ? $0.rings[Int(vchan)] : nil }
    }
}
