internal import ControllerProtocol
public import DMADev
internal import DMAEngine
internal import LinuxSystem
internal import SystemPackage

/// Access groups: the controller stores them, and this driver sends requests.
///
/// In addition to the errors of the `DMADevice` calls, each throws `EIO` when the connection has ended.
extension ControllerDevice {
    /// The sink is called on the connection's thread.
    public func deliverEvents(to sink: @escaping AccessGroupEventSink) { groupCache.deliver(to: sink) }

    /// Creates a group in the controller.
    public func createAccessGroup(
        _ kind: AccessGroupKind, domain: DomainID, token: AccessToken
    ) throws(DMAError) -> AccessGroupEntry {
        let limit: UInt16 =
            switch kind {
            case .pair: 0
            case .group(let limit): limit
            }
        return try enter(-1, limit, domain, token)
    }

    /// Joins a group. After wrong tokens the controller delays its answer.
    public func joinAccessGroup(
        _ group: AccessGroupID, domain: DomainID, token: AccessToken
    ) throws(DMAError) -> AccessGroupEntry {
        try enter(group, 0, domain, token)
    }

    private func enter(
        _ group: AccessGroupID, _ limit: UInt16, _ domain: DomainID, _ token: AccessToken
    ) throws(DMAError) -> AccessGroupEntry {
        let request = EnterGroup(
            group: group, limit: limit, domain: domain.bytes, token: token.secret, device: rings.deviceID)
        let entered = try connection.request(request, for: GroupEntered.self).message
        // The connection's thread has recorded the members, in order with the group's changes.
        return AccessGroupEntry(group: entered.group, identity: entered.identity, handler: entered.handler)
    }

    /// Leaves a group; the cache entry is removed.
    public func leaveAccessGroup(_ group: AccessGroupID) throws(DMAError) {
        _ = try connection.request(ExitGroup(group: group, destroys: false), for: Done.self)
        groupCache.remove(group)
    }

    /// Destroys a group; the cache entry is removed.
    public func destroyAccessGroup(_ group: AccessGroupID) throws(DMAError) {
        _ = try connection.request(ExitGroup(group: group, destroys: true), for: Done.self)
        groupCache.remove(group)
    }

    /// Reads the members of a group.
    public func accessGroup(_ group: AccessGroupID) throws(DMAError) -> AccessGroupInfo {
        _ = try connection.request(ReadGroup(group: group), for: Done.self)
        guard let info = groupCache.group(group) else {
            throw DMAError(
                .accessDenied, .permissionDenied, "access group \(group) has ended, or the device has left it")
        }
        return info
    }

    /// The cached groups, as of the last call or event.
    public var accessGroups: [AccessGroupInfo] { groupCache.groups }

    /// Sends a request to the controller; `false` also when the connection has ended.
    public func hasLiveHandler(_ handler: DomainHandler) -> Bool {
        (try? connection.request(CheckHandler(handler: handler), for: Done.self)) != nil
    }

    /// Opens a window on a part of a ``SharedBuffer``, or of a file that is passed.
    ///
    /// - Throws: `EINVAL` for other memory, for a range that is not whole pages, or for a file that could shrink;
    ///   `EDQUOT` when the user's quota is used up.
    public func registerWindow(
        _ memory: WindowMemory, rights: WindowRights, in group: AccessGroupID
    ) throws(DMAError) -> DomainWindow {
        let (connection, region) = (connection, region)
        let open = { (file: CInt?, offset: UInt64) throws(DMAError) -> DomainWindow in
            let request = OpenWindow(
                group: group, rights: UInt16(rights.rawValue), offset: offset, byteCount: memory.length)
            let opened = try connection.request(
                request, descriptors: file.map { [$0] } ?? [], for: WindowOpened.self
            ).message
            return DomainWindow(
                handler: opened.handler, iova: opened.iova, length: memory.length, rights: rights)
        }
        let window: DomainWindow?
        if let region {
            guard memory.descriptor == nil, let offset = region.offset(of: memory.address, memory.length) else {
                throw Self.notInRegion(memory.address)
            }
            window = try open(nil, offset)
        } else if let descriptor = memory.descriptor {
            window = try open(descriptor, memory.offset)
        } else {
            window = try self.memory.withFile(of: memory.address, memory.length, open)
        }
        guard let window else {
            throw DMAError(
                .invalidArgument, .invalidArgument,
                "0x\(String(memory.address, radix: 16)): a window needs a buffer of the device, or a file "
                    + "descriptor")
        }
        groupCache.opened(window, in: group)
        return window
    }

    /// Closes a window.
    public func unregisterWindow(iova: UInt64) throws(DMAError) {
        _ = try connection.request(CloseWindow(iova: iova), for: Done.self)
        groupCache.closed(iova: iova)
    }
}
