internal import CDMADev
public import DMADev
internal import LinuxSystem
internal import SystemPackage

/// The channels of a ring-backed device: their configurations, their rings while the device is started, and their
/// counters. A driver has one; ``RingDriver`` implements `DMADriver` with it.
public final class DeviceRings: Sendable {
    private struct State {
        var properties: DeviceProperties
        var id: Int16 = -1
        var configuration = DeviceConfiguration(virtualChannelCount: 0)
        var channels: [UInt16: VirtualChannelConfiguration] = [:]
        /// Counters of rings of earlier starts, of every channel that was ever set up.
        var totals: [UInt16: ChannelCounters] = [:]
        /// When operations of a stopped channel were last finished, in ticks.
        var completionTimes: [UInt16: UInt64] = [:]
        /// By channel, while started.
        var rings: [ApplicationRing] = []
        var dataPath: RingDataPath?
        /// Made for the first that waits.
        var waits: CompletionWaits?
        var faults: FaultUpdates?
        /// The calls of each step so far.
        var importCounts: [FaultPlan.ImportStep: UInt64] = [:]
    }

    private let state: Locked<State>

    /// Starts without channels.
    public init(_ properties: DeviceProperties) {
        state = Locked(State(properties: properties))
    }

    deinit {
        // The device was released without a stop: its rings must be detached before their memory is unmapped.
        EngineRing.retire(state.withLock { $0.rings }.compactMap(\.engineRing))
    }

    /// The constant properties of the device.
    public var properties: DeviceProperties { state.withLock { $0.properties } }

    /// The number that the registry assigned; -1 before.
    public var deviceID: Int16 { state.withLock { $0.id } }

    func register(as id: Int16) { state.withLock { $0.id = id } }

    /// Makes the engine inject faults from the next start on.
    ///
    /// - Parameters:
    ///   - driver: the new driver name in the device's properties.
    ///   - plan: the faults.
    /// - Throws: `EINVAL` for an invalid plan, and when the device already has one.
    public func inject(_ plan: FaultPlan, driver: String) throws(DMAError) {
        try plan.validate()
        try state.withLock { state throws(DMAError) in
            guard state.faults == nil else {
                throw DMAError(.invalidArgument, .invalidArgument, "the device already has a fault plan")
            }
            state.faults = FaultUpdates(plan)
            state.properties.driver = driver
        }
    }

    /// Replaces the plan of a device that has one, also while it is started.
    ///
    /// - Throws: `EINVAL` for an invalid plan; `ENOTSUP` when the device has none, and when it is started and its engine is
    ///   in another process, which has received the plan.
    func replaceFaults(_ plan: FaultPlan) throws(DMAError) {
        try plan.validate()
        let rings = try state.withLock { state throws(DMAError) in
            guard let faults = state.faults else {
                throw DMAError(
                    .notSupported, .notSupported,
                    "the \(state.properties.driver) driver injects no faults: make the device with the driver fault")
            }
            guard state.rings.allSatisfy({ $0.engineRing != nil }) else {
                throw DMAError(
                    .notSupported, .notSupported,
                    "the engine of device \(state.id) is in another process: stop the device, set the faults, start it")
            }
            faults.replace(plan)
            return state.rings
        }
        // What a plan has stopped can go on.
        for ring in rings { ring.engineRing?.engine.bell.ring() }
    }

    /// Counts a step of an attachment, and fails it if the plan says so.
    func injectImportFault(_ step: FaultPlan.ImportStep) throws(DMAError) {
        let failure: Errno? = state.withLock { state in
            guard let plan = state.faults?.latest.plan else { return nil }
            state.importCounts[step, default: 0] += 1
            return plan.importFailure(in: step, number: state.importCounts[step, default: 0])
        }
        guard let failure else { return }
        throw DMAError(
            failure == .notSupported ? .notSupported : failure == .timedOut ? .timedOut : .system, failure,
            "\(step.rawValue) of an attachment failed by the device's fault plan")
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

    /// Makes the rings and sets the functions. If a ring cannot be made, the earlier ones are discarded.
    func start(
        _ path: inout dmadev_data_path, make: (RingRequest) throws(DMAError) -> ApplicationRing,
        discard: ([ApplicationRing]) -> Void
    ) throws(DMAError) {
        let now = state.withLock { $0 }
        let faults = now.faults.map { DeviceFaults($0, submitted: now.totals.mapValues(\.application.submitted)) }
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

    /// - Parameter end: ends all work of the rings; they stay readable until it returns.
    func stop(_ end: ([ApplicationRing]) -> Void) {
        end(state.withLock { $0.rings })
        state.withLock { state in
            for (vchan, ring) in state.rings.enumerated() {
                state.totals[UInt16(vchan), default: ChannelCounters()] =
                    state.totals[UInt16(vchan), default: ChannelCounters()] + ring.counters
                let last = ring.memory.consumerPage.member(\.completed_time).loadRelaxed()
                if last != 0 { state.completionTimes[UInt16(vchan)] = last }
            }
            state.rings = []
            state.dataPath = nil
        }
        state.withLock { $0.waits }?.endAll()
    }

    /// As `DMADriver.notifyOfCompletion`.
    func notifyOfCompletion(
        on vchan: UInt16, _ notify: @escaping @Sendable () -> Void
    ) throws(DMAError) -> @Sendable () -> Void {
        let (ring, waits) = try state.withLock { state throws(DMAError) in
            guard Int(vchan) < state.rings.count else {
                throw DMAError(
                    .notConfigured, .invalidArgument, "virtual channel \(vchan) of device \(state.id) is not started")
            }
            let ring = state.rings[Int(vchan)]
            guard ring.hasAnnouncements else {
                throw DMAError(
                    .notSupported, .notSupported,
                    "the engine of device \(state.id) is in a process of an older release, which announces no completions: "
                        + "poll")
            }
            if let waits = state.waits { return (ring, waits) }
            do throws(Errno) {
                let waits = try CompletionWaits()
                state.waits = waits
                return (ring, waits)
            } catch {
                throw DMAError(.system, error, "cannot start the thread that waits for completions: \(error)")
            }
        }
        return try waits.add(vchan, ring, notify)
    }

    func counters(of vchan: UInt16) -> ChannelCounters? {
        // Both under one lock: a stop moves counts from one to the other.
        state.withLock { state in
            guard let total = state.totals[vchan] else { return nil }
            return Int(vchan) < state.rings.count ? total + state.rings[Int(vchan)].counters : total
        }
    }

    func statistics(of vchan: UInt16) -> Statistics {
        state.withLock { state in
            let total = state.totals[vchan]?.statistics ?? Statistics()
            return Int(vchan) < state.rings.count ? total + state.rings[Int(vchan)].statistics : total
        }
    }

    /// The times of a channel, also over a stop.
    ///
    /// - Parameter stopped: the status of a channel without a ring.
    func progress(of vchan: UInt16, stopped: VirtualChannelStatus) -> ChannelProgress {
        // Both under one lock: a stop moves the time from one to the other.
        let (ring, last) = state.withLock { state in
            (Int(vchan) < state.rings.count ? state.rings[Int(vchan)] : nil, state.completionTimes[vchan])
        }
        var progress = ring?.progress ?? ChannelProgress(status: stopped)
        if progress.lastCompletionAge == nil, let last {
            let age = Ticks().nanoseconds(from: last, to: Ticks.now)
            progress.lastCompletionAge = .nanoseconds(Int64(clamping: age))
        }
        return progress
    }

    var engines: [EngineReport] {
        let engines = state.withLock { $0.rings.compactMap { $0.engineRing?.engine } }
        var reports: [EngineReport] = []
        for engine in engines where !reports.contains(where: { $0.id == engine.id }) { reports.append(engine.report) }
        return reports
    }

    func ring(_ vchan: UInt16) -> ApplicationRing? {
        state.withLock { Int(vchan) < $0.rings.count ? $0.rings[Int(vchan)] : nil }
    }
}
