public import CDMADev
public import DMADev
internal import SystemPackage

/// A driver whose channels are descriptor rings of an engine, in this process or another one.
///
/// The driver makes a ring for each channel at a start; state, data path, counters and reading are implemented here.
public protocol RingDriver: DMADriver {
    /// The device's rings; made with the device's properties.
    var rings: DeviceRings { get }

    /// Makes the ring of a channel.
    ///
    /// - Throws: the reason why the device cannot start.
    func makeRing(_ request: RingRequest) throws(DMAError) -> ApplicationRing

    /// Called before the device is configured or started.
    func prepare() throws(DMAError)

    /// Checks the set-up of a channel, as far as only the driver can.
    func validate(_ channel: VirtualChannelConfiguration) throws(DMAError)

    /// Ends all work of these rings: running operations finish, queued ones are aborted.
    func end(_ rings: [ApplicationRing])

    /// Maps the ranges of an attachment; as `DMADriver.mapRanges`, which also injects planned faults.
    func importRanges(_ ranges: [MemoryRange], _ direction: MappingDirection) throws(DMAError) -> [UInt64]

    /// Ends these mappings; as `DMADriver.unmapRanges`.
    func endImport(_ iovas: [UInt64], within timeout: Duration?) throws(DMAError)

    /// Whether the device is halted; used while it has no rings.
    var isHalted: Bool { get }
}

/// Defaults for drivers with engines in this process.
extension RingDriver {
    /// Does nothing.
    public func prepare() throws(DMAError) {}

    /// Accepts every channel.
    public func validate(_ channel: VirtualChannelConfiguration) throws(DMAError) {}

    /// Detaches the rings from their engines.
    public func end(_ rings: [ApplicationRing]) {
        EngineRing.retire(rings.compactMap(\.engineRing))
    }

    /// Maps each range with `mapMemory`.
    public func importRanges(_ ranges: [MemoryRange], _ direction: MappingDirection) throws(DMAError) -> [UInt64] {
        try mapEach(ranges)
    }

    /// Unmaps each range with `unmapMemory`.
    public func endImport(_ iovas: [UInt64], within timeout: Duration?) throws(DMAError) { try unmapEach(iovas) }

    /// Always false.
    public var isHalted: Bool { false }
}

/// `DMADriver`, for every ring-backed device.
extension RingDriver {
    /// The properties passed to `DeviceRings`.
    public var properties: DeviceProperties { rings.properties }

    /// Stores the number for traces.
    public func registered(as id: Int16) { rings.register(as: id) }

    /// Removes all channels.
    public func configure(_ configuration: DeviceConfiguration) throws(DMAError) {
        try prepare()
        rings.configure(configuration)
    }

    /// Stores the channel; its ring is made at the start.
    public func setUpVirtualChannel(_ vchan: UInt16, _ configuration: VirtualChannelConfiguration) throws(DMAError) {
        try validate(configuration)
        rings.setUp(vchan, configuration)
    }

    /// Makes the rings and sets the functions.
    public func start(_ path: inout dmadev_data_path) throws(DMAError) {
        try prepare()
        try rings.start(&path, make: makeRing, discard: end)
    }

    /// Ends the rings.
    public func stop() throws(DMAError) { rings.stop(end) }

    /// Does nothing: rings exist only from start to stop.
    public func close() throws(DMAError) {}

    /// The counters of a channel since the device was created.
    public func counters(of vchan: UInt16) -> ChannelCounters? { rings.counters(of: vchan) }

    /// The three counters of `struct rte_dma_stats`, without a read of the others.
    public func statistics(of vchan: UInt16) -> Statistics { rings.statistics(of: vchan) }

    /// The state of a channel; a stopped one is idle.
    public func status(of vchan: UInt16) -> VirtualChannelStatus {
        rings.ring(vchan)?.status ?? (isHalted ? .haltedError : .idle)
    }

    /// The state of a channel with times; a stopped one is idle.
    public func progress(of vchan: UInt16) -> ChannelProgress {
        rings.progress(of: vchan, stopped: isHalted ? .haltedError : .idle)
    }

    /// The engines of this process that serve the device's rings now.
    public var engines: [EngineReport] { rings.engines }

    /// The occupancy of a channel's ring.
    public func ringUse(of vchan: UInt16) -> RingUse? { rings.ring(vchan)?.use }

    /// Notifies when a ring has something to poll.
    public func notifyOfCompletion(
        on vchan: UInt16, _ notify: @escaping @Sendable () -> Void
    ) throws(DMAError) -> @Sendable () -> Void {
        try rings.notifyOfCompletion(on: vchan, notify)
    }

    /// Replaces the plan of a device that was made with one.
    public func setFaults(_ plan: String) throws(DMAError) {
        let parsed: FaultPlan
        do throws(FaultPlan.ParseError) {
            parsed = try FaultPlan(parsing: plan)
        } catch {
            throw DMAError(.invalidArgument, .invalidArgument, error.description)
        }
        try rings.replaceFaults(parsed)
    }

    /// Accepts system memory, and the windows of the device's own controller.
    public func match(_ interconnect: any Interconnect) throws(DMAError) {
        try rings.injectImportFault(.match)
        try matchBuiltIn(interconnect)
    }

    /// Maps the ranges of an attachment.
    public func mapRanges(_ ranges: [MemoryRange], _ direction: MappingDirection) throws(DMAError) -> [UInt64] {
        try rings.injectImportFault(.map)
        return try importRanges(ranges, direction)
    }

    /// Ends these mappings.
    public func unmapRanges(
        _ iovas: [UInt64], for reason: ReleaseReason, within timeout: Duration?
    ) throws(DMAError) {
        try rings.injectImportFault(reason == .revoke ? .revoke : .unmap)
        try endImport(iovas, within: timeout)
    }
}
