public import CDMADev
internal import SystemPackage

/// The functions that a driver implements for a device; `struct rte_dma_dev_ops`.
///
/// The library checks arguments and state before each call, and calls the control functions of one device one at a
/// time. Counters, status and ring use may be read at any time, from any thread, also during a control call. Drivers
/// emit no trace events: the call layer does.
public protocol DMADriver: AnyObject, Sendable {
    /// Constant for the life of the device.
    var properties: DeviceProperties { get }

    /// Passes the number that the registry assigned. Called once, before any other function.
    func registered(as id: Int16)

    /// Sets the configuration and removes the set-up of all channels. Called on a stopped device.
    func configure(_ configuration: DeviceConfiguration) throws(DMAError)

    /// Sets up a channel. Called on a stopped device.
    func setUpVirtualChannel(_ vchan: UInt16, _ configuration: VirtualChannelConfiguration) throws(DMAError)

    /// Starts the device: sets the functions that it supports. Ring indexes start at 0.
    func start(_ path: inout dmadev_data_path) throws(DMAError)

    /// Stops the device: the running operation finishes, queued ones are aborted, operations that were not rung are
    /// dropped.
    func stop() throws(DMAError)

    /// Releases all resources; only the reading functions are called after it.
    func close() throws(DMAError)

    /// The counters of a channel since the device was created, over all starts; `nil` if it was never set up.
    func counters(of vchan: UInt16) -> ChannelCounters?

    /// Values that only devices of this driver have, with the names that they have in `/dmadev/xstats`; the sum of those of
    /// several channels need not mean anything.
    func additionalCounters(of vchan: UInt16) -> [(name: String, value: UInt64)]

    /// Three of these counters, 0 for a channel that was never set up. Telemetry reads them often: a driver that can read
    /// them alone implements it.
    func statistics(of vchan: UInt16) -> Statistics

    /// Maps memory of the process for a device without SVA; `rte_dev_dma_map`.
    ///
    /// - Parameter iova: the address for the device; `nil`: the driver chooses one.
    /// - Parameter address: of the process.
    /// - Parameter byteCount: 1 at least.
    /// - Returns: the IOVA.
    func mapMemory(_ address: UInt64, byteCount: UInt64, iova: UInt64?) throws(DMAError) -> UInt64

    /// Ends a mapping; `rte_dev_dma_unmap`. When it returns, the device no longer accesses the memory.
    func unmapMemory(iova: UInt64) throws(DMAError)

    /// Maps a region of external memory: at the IOVAs that it has, else at addresses that the driver chooses.
    ///
    /// Also called for a device with SVA, which maps nothing, but may have to know of a dma-buf.
    ///
    /// - Parameter region: stays registered until it is unmapped.
    /// - Parameter iova: of a region without IOVAs; `nil`: the driver chooses one.
    /// - Returns: the IOVA of the region's first byte; with SVA its address.
    func mapMemory(_ region: MemoryRegion, iova: UInt64?) throws(DMAError) -> UInt64

    /// Ends the mapping of a region that has this IOVA. When it returns, the device no longer accesses the memory.
    func unmapMemory(_ region: MemoryRegion, iova: UInt64) throws(DMAError)

    /// Whether the device can reach buffers over an interconnect; see ``Importer/match(_:of:)``.
    ///
    /// - Throws: an error with the errno `EOPNOTSUPP` if it cannot, with the reason; any other error ends the attach.
    func match(_ interconnect: any Interconnect) throws(DMAError)

    /// Maps the ranges of an attachment for the device, with SVA too. A control call.
    ///
    /// - Parameters:
    ///   - ranges: 1 at least; they do not overlap.
    ///   - direction: the operations that must be possible; others fail if the driver can tell them apart.
    /// - Returns: an IOVA for each, equal to no virtual address and to no IOVA of an earlier mapping.
    /// - Throws: any error; then none of them is mapped.
    func mapRanges(_ ranges: [MemoryRange], _ direction: MappingDirection) throws(DMAError) -> [UInt64]

    /// Ends the mappings of an attachment. A control call. When it returns, the device no longer accesses the memory, and
    /// operations on it fail.
    ///
    /// - Parameters:
    ///   - iovas: all that one call of `mapRanges` returned.
    ///   - reason: who ends them.
    ///   - timeout: the longest time to wait; `nil`: no limit.
    /// - Throws: `ETIMEDOUT` or any other error; the call comes again with the same addresses.
    func unmapRanges(_ iovas: [UInt64], for reason: ReleaseReason, within timeout: Duration?) throws(DMAError)

    /// Replaces the faults that the device injects, also while it is started, from any thread; only devices that were made
    /// with faults have them.
    ///
    /// - Parameter plan: in the words of `FaultPlan`; empty: none.
    func setFaults(_ plan: String) throws(DMAError)

    /// Calls `notify` once, from any thread, when a channel has a finished operation that was not polled, or can finish none
    /// any more because it is stopped or halted; at once if that is so already. Called by the thread that uses the channel,
    /// and again only after the notification, or the end of the wait.
    ///
    /// - Returns: ends the wait. A notification may be on its way.
    /// - Throws: `ENOTSUP` when the driver can only be polled, `EINVAL` when no submitted operation is left, `EBUSY` when
    ///   another wait has not ended.
    func notifyOfCompletion(
        on vchan: UInt16, _ notify: @escaping @Sendable () -> Void
    ) throws(DMAError) -> @Sendable () -> Void

    /// Allocates memory that the device can map.
    func makeBuffer(byteCount: Int) throws(DMAError) -> DeviceBuffer

    /// The state of a channel.
    func status(of vchan: UInt16) -> VirtualChannelStatus

    /// The state of a channel, with times; any thread may read it at any time.
    func progress(of vchan: UInt16) -> ChannelProgress

    /// The engines in this process that serve the device; any thread may read them at any time.
    var engines: [EngineReport] { get }

    /// The occupancy of a channel's ring; `nil` if it has none.
    func ringUse(of vchan: UInt16) -> RingUse?

    // MARK: Access groups

    /// Sets the sink for the events of the device's groups: changes that *others* made, each once, in order. Called
    /// once, right after `registered(as:)`. `accessGroups` contains a change before its event is delivered.
    ///
    /// The sink may be called from any thread, also during a control call; it never waits for an application. After a
    /// leave or destroy has returned, deliver no more events of that group.
    func deliverEvents(to sink: @escaping AccessGroupEventSink)

    /// Creates a group whose first member is `domain`; only this device may destroy it.
    ///
    /// Do not store the token, and pass it only to the process that manages the group.
    func createAccessGroup(
        _ kind: AccessGroupKind, domain: DomainID, token: AccessToken
    ) throws(DMAError) -> AccessGroupEntry

    /// Joins a group of either kind.
    ///
    /// - Parameter group: less than `accessGroupCount`.
    /// - Parameter token: the secret of the group.
    /// - Parameter domain: the domain that joins.
    /// - Returns: the group with the domain's handler.
    func joinAccessGroup(
        _ group: AccessGroupID, domain: DomainID, token: AccessToken
    ) throws(DMAError) -> AccessGroupEntry

    /// Leaves a group. When it returns, no engine accesses the member's memory for other members.
    func leaveAccessGroup(_ group: AccessGroupID) throws(DMAError)

    /// Destroys a group that has no other member. When it returns, no engine accesses its memory.
    func destroyAccessGroup(_ group: AccessGroupID) throws(DMAError)

    /// A group that the device is a member of, read from the process that manages it; a control call.
    func accessGroup(_ group: AccessGroupID) throws(DMAError) -> AccessGroupInfo

    /// The device's groups as last received; may be read at any time, from any thread.
    var accessGroups: [AccessGroupInfo] { get }

    /// Whether a handler, not 0, belongs to a current member of a group of this device; a control call.
    func hasLiveHandler(_ handler: DomainHandler) -> Bool

    /// Opens a window: the members of a group may access the memory.
    func registerWindow(
        _ memory: WindowMemory, rights: WindowRights, in group: AccessGroupID
    ) throws(DMAError) -> DomainWindow

    /// Closes a window of this device. When it returns, no engine accesses the memory for other members.
    func unregisterWindow(iova: UInt64) throws(DMAError)
}

/// Defaults for functions that a minimal driver need not implement.
extension DMADriver {
    /// Reads all counters.
    public func statistics(of vchan: UInt16) -> Statistics { counters(of: vchan)?.statistics ?? Statistics() }

    /// None.
    public func additionalCounters(of vchan: UInt16) -> [(name: String, value: UInt64)] { [] }

    /// The status only.
    public func progress(of vchan: UInt16) -> ChannelProgress { ChannelProgress(status: status(of: vchan)) }

    /// None.
    public var engines: [EngineReport] { [] }

    /// Fails with `ENOTSUP`.
    public func setFaults(_ plan: String) throws(DMAError) {
        throw DMAError(.notSupported, .notSupported, "the \(properties.driver) driver injects no faults")
    }

    /// Fails with `ENOTSUP`.
    public func notifyOfCompletion(
        on vchan: UInt16, _ notify: @escaping @Sendable () -> Void
    ) throws(DMAError) -> @Sendable () -> Void {
        throw DMAError(
            .notSupported, .notSupported, "the \(properties.driver) driver announces no completions: poll")
    }

    /// Memory of this process, for a device that reaches all of it.
    public func makeBuffer(byteCount: Int) throws(DMAError) -> DeviceBuffer { try DeviceBuffer(byteCount: byteCount) }

    /// Fails with `ENOTSUP`.
    public func mapMemory(_ address: UInt64, byteCount: UInt64, iova: UInt64?) throws(DMAError) -> UInt64 {
        throw DMAError(.notSupported, .notSupported, "the \(properties.driver) driver maps no memory")
    }

    /// Maps each run of consecutive IOVAs; with SVA nothing.
    public func mapMemory(_ region: MemoryRegion, iova: UInt64?) throws(DMAError) -> UInt64 {
        guard !properties.capabilities.contains(.sva) else { return region.address }
        guard region.hasIOVAs else { return try mapMemory(region.address, byteCount: region.byteCount, iova: iova) }
        let runs = region.runs
        for (index, run) in runs.enumerated() {
            do throws(DMAError) {
                _ = try mapMemory(run.address, byteCount: run.byteCount, iova: run.iova)
            } catch {
                for mapped in runs[..<index] { try? unmapMemory(iova: mapped.iova) }
                throw error
            }
        }
        return region.iovas.first ?? MemoryRegion.badIOVA
    }

    /// Unmaps each run of consecutive IOVAs; with SVA nothing.
    public func unmapMemory(_ region: MemoryRegion, iova: UInt64) throws(DMAError) {
        guard !properties.capabilities.contains(.sva) else { return }
        for mapped in region.hasIOVAs ? region.runs.map(\.iova) : [iova] { try unmapMemory(iova: mapped) }
    }

    /// Fails with `ENOTSUP`.
    public func unmapMemory(iova: UInt64) throws(DMAError) {
        throw DMAError(.notSupported, .notSupported, "the \(properties.driver) driver maps no memory")
    }
}
