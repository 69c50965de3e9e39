public import CDMADev
internal import SystemPackage

/// What a driver does for a device; `struct rte_dma_dev_ops`.
///
/// The library checks every argument and state before it calls, and calls the control functions of one device one at a
/// time. Counters, status and ring use may be read at any moment, from any thread, also while a control call
/// runs. Drivers emit no trace: the call layer does.
public protocol DMADriver: AnyObject, Sendable {
    /// What the device is; it does not change.
    var properties: DeviceProperties { get }

    /// The registry has given the device this number. Called once, first.
    func registered(as id: Int16)

    /// Takes a configuration; channels that were set up are gone. The device is stopped.
    func configure(_ configuration: DeviceConfiguration) throws(DMAError)

    /// Makes a channel ready. The device is stopped.
    func setUpVirtualChannel(_ vchan: UInt16, _ configuration: VirtualChannelConfiguration) throws(DMAError)

    /// Begins to work: fills in the functions that the device offers. Ring indexes begin at 0.
    func start(_ path: inout dmadev_data_path) throws(DMAError)

    /// Ends work: the running operation finishes, queued ones are aborted, those that were not rung vanish.
    func stop() throws(DMAError)

    /// Gives everything back; nothing is called after it but the reading functions.
    func close() throws(DMAError)

    /// What a channel has counted since the device was made, over all starts; `nil` for a channel that was never set up.
    func counters(of vchan: UInt16) -> ChannelCounters?

    /// Makes memory of the process reachable for a device without SVA; `rte_dev_dma_map`.
    ///
    /// - Parameter iova: the address that the device is to know it by, `nil` to choose one.
    /// - Returns: that address.
    func mapMemory(_ address: UInt64, byteCount: UInt64, iova: UInt64?) throws(DMAError) -> UInt64

    /// Ends that; `rte_dev_dma_unmap`. When it returns, the device touches the memory no more.
    func unmapMemory(iova: UInt64) throws(DMAError)

    /// Makes memory that the device can be given.
    func makeBuffer(byteCount: Int) throws(DMAError) -> DeviceBuffer

    /// What a channel is doing.
    func status(of vchan: UInt16) -> VirtualChannelStatus

    /// How a channel's ring is used; `nil` where there is none.
    func ringUse(of vchan: UInt16) -> RingUse?

    // MARK: Access groups

    /// Where the events of the device's groups go: what befell the *other* members, each event once, in order. Called
    /// once, right after `registered(as:)`.
    ///
    /// The sink may be called from any thread, also while a control call runs; it never waits for an application. After
    /// a leave or destroy has returned, nothing of that group comes any more.
    func deliverEvents(to sink: @escaping AccessGroupEventSink)

    /// Makes a group whose first member is `domain`.
    ///
    /// The token is not kept and never told to anybody but the party that guards the group.
    func createAccessGroup(
        _ kind: AccessGroupKind, domain: DomainID, token: AccessToken
    ) throws(DMAError) -> AccessGroupID

    /// Joins a group of either kind.
    ///
    /// - Parameter group: below `accessGroupCount`.
    /// - Returns: the domain's handler.
    func joinAccessGroup(
        _ group: AccessGroupID, domain: DomainID, token: AccessToken
    ) throws(DMAError) -> DomainHandler

    /// Leaves a group. When it returns, no engine touches the member's memory for others any more.
    func leaveAccessGroup(_ group: AccessGroupID) throws(DMAError)

    /// Ends a group that has no other member. When it returns, no engine touches its memory any more.
    func destroyAccessGroup(_ group: AccessGroupID) throws(DMAError)

    /// A group that the device is a member of, asked from whoever guards it; a control call.
    func accessGroup(_ group: AccessGroupID) throws(DMAError) -> AccessGroupInfo

    /// The groups that the device knows of, as last heard; may be asked for at any moment, from any thread.
    var accessGroups: [AccessGroupInfo] { get }

    /// Whether a handler, not 0, is that of a live member of a group of this device; a control call.
    func hasLiveHandler(_ handler: DomainHandler) -> Bool

    /// Lets the members of a group reach memory.
    func registerWindow(
        _ memory: WindowMemory, rights: WindowRights, in group: AccessGroupID
    ) throws(DMAError) -> DomainWindow

    /// Ends that, for a window of this device. When it returns, no engine touches the memory for others any more.
    func unregisterWindow(iova: UInt64) throws(DMAError)
}

/// What a driver that offers no more than it must need not write.
extension DMADriver {
    /// The device reaches whatever this process has.
    public func makeBuffer(byteCount: Int) throws(DMAError) -> DeviceBuffer { try DeviceBuffer(byteCount: byteCount) }

    /// The device has no addresses of its own.
    public func mapMemory(_ address: UInt64, byteCount: UInt64, iova: UInt64?) throws(DMAError) -> UInt64 {
        throw DMAError(.notSupported, .notSupported, "the \(properties.driver) driver maps no memory")
    }

    /// The device has no addresses of its own.
    public func unmapMemory(iova: UInt64) throws(DMAError) {
        throw DMAError(.notSupported, .notSupported, "the \(properties.driver) driver maps no memory")
    }
}
