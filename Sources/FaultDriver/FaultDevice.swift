public import CDMADev
public import DMADev
internal import DMAEngine
internal import LinuxSystem
internal import SystemPackage

/// A device that does what another one does, and makes the faults of a plan on purpose: so that software meets every
/// status, and devices that are slow, hang, or halt, on a machine whose hardware is whole.
///
///     application ──► ring ──► fault engine ──► inner device
///                                  plan
///
/// It stands in front of a device of any driver. Applications use rings of its own, whose engine, a thread, hands the
/// operations on that are to run. All rules of a channel hold, faults or none: order, ring indexes, fences, batches,
/// capacity, counters. An operation that the plan lets fail never reaches the inner device, so neither its source is
/// read nor its destination written; with auto-free its source buffer is given back.
///
/// - *Delay*: operations run at once, their completions show late.
/// - *Freeze*: operations before it end, those from it on are not run, and on stop they are aborted.
/// - *Halt*: when everything before it on its channel has ended, the device is halted: ``status(of:)`` says
///   `haltedError`, what is under way on any channel gets nowhere, and every data call fails with `EIO`; but polls hand
///   out first what was finished before. Stop aborts what was rung.
///
/// The inner device belongs to this one alone: nobody else may call it, nor put it into a registry. Its events in a
/// trace of the engine bear the indexes of its own rings, which lag behind by the operations that were not handed on.
public final class FaultDevice: DMADriver {
    /// The driver's name.
    public static let driverName = "fault"

    /// The inner device's, with this driver's name, and without `enq_deq` where `copy_sg` is missing: operations as
    /// structures are handed on as scatter-gather copies. Silent mode is made here.
    public let properties: DeviceProperties
    /// The faults.
    public let plan: FaultPlan

    private let inner: any DMADriver
    private let state = Locked(State())

    private struct State {
        var configuration: DeviceConfiguration?
        var channels: [UInt16: VirtualChannelConfiguration] = [:]
        /// Of every channel that ever was set up: counters outlive configurations.
        var counters: [UInt16: RingCounters] = [:]
        /// Channels whose freeze was healed by a stop.
        var unfrozen: Set<UInt16> = []
        /// The device has been halted, and stopped since.
        var wasHalted = false
        var run: Run?
    }

    /// From a start to its stop.
    private struct Run {
        let engine: FaultEngine
        let channels: [FaultChannel]
        /// How operations had ended on the inner device's channels before.
        let innerBefore: [InnerStatuses]
        let dataPath: FaultDataPath
    }

    /// Puts a plan before a device.
    ///
    /// - Throws: `EINVAL` for a plan that cannot be: operation 0, a failure with `successful` or an undefined status, a
    ///   delay below 0 or beyond an hour.
    public init(_ inner: any DMADriver, plan: FaultPlan = FaultPlan()) throws(DMAError) {
        try plan.validate()
        self.inner = inner
        self.plan = plan
        var properties = inner.properties
        properties.driver = Self.driverName
        if !properties.capabilities.contains(.copyScatterGather) { properties.capabilities.remove(.enqueueDequeue) }
        self.properties = properties
    }

    deinit {
        // A device dropped without being stopped: its thread must end before the memory goes.
        state.withLock { $0.run }?.engine.stop()
    }

    // MARK: Control

    /// Passes the number on.
    public func registered(as id: Int16) {
        inner.registered(as: id)
    }

    /// Configures the inner device, but for the modes: it is polled from here, and gets single operations.
    public func configure(_ configuration: DeviceConfiguration) throws(DMAError) {
        var plain = configuration
        plain.flags.subtract([.silent, .enqueueDequeue])
        try inner.configure(plain)
        state.withLock { state in
            state.configuration = configuration
            state.channels = [:]
        }
    }

    /// Sets the inner device's channel up.
    public func setUpVirtualChannel(
        _ vchan: UInt16, _ configuration: VirtualChannelConfiguration
    ) throws(DMAError) {
        try inner.setUpVirtualChannel(vchan, configuration)
        state.withLock { state in
            state.channels[vchan] = configuration
            if state.counters[vchan] == nil { state.counters[vchan] = RingCounters() }
        }
    }

    /// Starts the inner device and the thread that feeds it.
    ///
    /// - Throws: what the inner device throws; `ENOMEM` and `EAGAIN` when there is no memory or no thread left.
    public func start(_ path: inout dmadev_data_path) throws(DMAError) {
        let now = state.withLock { $0 }
        var innerPath = path
        let vchans = now.channels.keys.sorted()
        let innerBefore = vchans.map { InnerStatuses(of: inner, $0) }
        try inner.start(&innerPath)
        do throws(DMAError) {
            let engine = FaultEngine()
            if now.wasHalted, plan.halt?.isSticky == true { engine.haltByPlan() }
            let channels = try makeChannels(now, innerPath, engine)
            let dataPath = FaultDataPath(channels, halted: engine.halted)
            do throws(Errno) {
                try engine.run(channels)
            } catch {
                throw DMAError(.system, error, "cannot start the thread of a fault device")
            }
            dataPath.fill(&path, properties.capabilities, now.configuration?.flags ?? [])
            let run = Run(engine: engine, channels: channels, innerBefore: innerBefore, dataPath: dataPath)
            state.withLock { $0.run = run }
        } catch {
            try inner.stop()
            throw error
        }
    }

    private func makeChannels(
        _ now: State, _ innerPath: dmadev_data_path, _ engine: FaultEngine
    ) throws(DMAError) -> [FaultChannel] {
        var channels: [FaultChannel] = []
        for (vchan, channel) in now.channels.sorted(by: { $0.key < $1.key }) {
            var plan = plan
            if now.unfrozen.contains(vchan) { plan.freeze = nil }
            if now.wasHalted { plan.halt = nil }
            let configuration = FaultChannel.Configuration(
                vchan: vchan, channel: channel, maximumEntryCount: properties.maximumEntryCount,
                mode: now.configuration?.flags ?? [], plan: plan, inner: innerPath)
            guard let counters = now.counters[vchan],
                let made = FaultChannel(configuration, counters: counters, engine: engine)
            else {
                throw DMAError(.exhausted, .noMemory, "there is no memory for the rings of a fault device")
            }
            channels.append(made)
        }
        return channels
    }

    /// Stops feeding, then the inner device; what was rung and is not finished then is aborted.
    public func stop() throws(DMAError) {
        guard let run = state.withLock({ $0.run }) else { return try inner.stop() }
        run.engine.stop()
        try inner.stop()
        for (vchan, (channel, before)) in zip(run.channels, run.innerBefore).enumerated() {
            let after = InnerStatuses(of: inner, UInt16(vchan))
            let told = channel.consumer.pointee.told
            channel.consumer.pointee.finish(
                after.since(before, without: told))
        }
        let isFrozen = run.channels.map { $0.consumer.pointee.isFrozen }
        state.withLock { [plan] state in
            if plan.freeze?.isSticky == false {
                for (vchan, isFrozen) in isFrozen.enumerated() where isFrozen { state.unfrozen.insert(UInt16(vchan)) }
            }
            if run.engine.halt == .byPlan { state.wasHalted = true }
            state.run = nil
        }
    }

    /// Closes the inner device.
    public func close() throws(DMAError) {
        try inner.close()
    }

    // MARK: Memory

    /// The inner device's.
    public func mapMemory(_ address: UInt64, byteCount: UInt64, iova: UInt64?) throws(DMAError) -> UInt64 {
        try inner.mapMemory(address, byteCount: byteCount, iova: iova)
    }

    /// The inner device's.
    public func unmapMemory(iova: UInt64) throws(DMAError) {
        try inner.unmapMemory(iova: iova)
    }

    // MARK: Reading

    /// What a channel has done since the device was made, faults included.
    public func counters(of vchan: UInt16) -> Statistics {
        guard let counts = state.withLock({ $0.counters[vchan] })?.read() else { return Statistics() }
        return Statistics(submitted: counts.submitted, completed: counts.completed, errors: counts.errors)
    }

    /// All that a channel has counted, faults included. Latency is what the application sees, with the plan's delay.
    public func details(of vchan: UInt16) -> ChannelDetails? {
        guard let read = state.withLock({ $0.counters[vchan] })?.readAll() else { return nil }
        return ChannelDetails(
            statistics: Statistics(
                submitted: read.counts.submitted, completed: read.counts.completed, errors: read.counts.errors),
            bytes: read.bytes, kinds: read.kinds, failures: read.statuses, rejected: read.rejected,
            doorbells: read.doorbells, highWater: read.highWater,
            latency: Latency(
                buckets: read.latencyBuckets.enumerated().map {
                    Latency.Bucket(upperBound: LatencyHistogram.upperBound(of: $0), count: $1)
                }, sum: read.latencySum))
    }

    /// What a channel is doing; a stopped one is idle, all of a halted device are halted.
    public func status(of vchan: UInt16) -> VirtualChannelStatus {
        guard let run = state.withLock({ $0.run }), Int(vchan) < run.channels.count else { return .idle }
        if run.engine.halt != nil || inner.status(of: vchan) == .haltedError { return .haltedError }
        // A stop may drop the rings meanwhile.
        return withExtendedLifetime(run) { run.channels[Int(vchan)].isIdle ? .idle : .active }
    }

    /// How a channel's ring is used.
    public func ringUse(of vchan: UInt16) -> RingUse? {
        guard let run = state.withLock({ $0.run }), Int(vchan) < run.channels.count else { return nil }
        let use = withExtendedLifetime(run) { run.channels[Int(vchan)].producer.occupancy }
        return RingUse(
            empty: use.empty, pending: use.pending, running: use.running, completed: use.completed,
            nextIndex: use.nextIndex, lastIndex: use.lastIndex)
    }
}
