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
        // The connection's thread has recorded the entry, in order with the group's changes; it is shown when complete.
        _ = try? accessGroup(entered.group)
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

    /// Reads a group member by member. When a member joins or leaves meanwhile, reading starts again.
    public func accessGroup(_ group: AccessGroupID) throws(DMAError) -> AccessGroupInfo {
        let connection = connection
        while true {
            groupCache.beginReading(group)
            if let info = try readGroup(group, connection) { return groupCache.finishReading(info) }
        }
    }

    private func readGroup(
        _ group: AccessGroupID, _ connection: ControllerConnection
    ) throws(DMAError) -> AccessGroupInfo? {
        var members: [AccessGroupMember] = []
        var limit: UInt16 = 0
        var count = 1
        while members.count < count {
            var windows: [DomainWindow] = []
            var found: GroupMember
            repeat {
                let request = AskGroup(
                    group: group, member: UInt16(members.count), window: UInt32(windows.count))
                do throws(DMAError) {
                    found = try connection.request(request, for: GroupMember.self).message
                } catch {
                    if error.errno == .noSuchFileOrDirectory, !members.isEmpty { return nil }
                    throw error
                }
                windows += found.windows.map { DomainWindow($0, of: found.handler) }
            } while windows.count < Int(found.windowCount) && !found.windows.isEmpty
            guard let domain = DomainID(bytes: found.domain), members.isEmpty || count == Int(found.memberCount) else {
                return nil
            }
            (limit, count) = (found.limit, Int(found.memberCount))
            members.append(
                AccessGroupMember(
                    domain: domain, handler: found.handler, isCreator: found.isCreator, processID: found.processID,
                    devices: found.devices, windows: windows))
        }
        return AccessGroupInfo(id: group, kind: limit == 0 ? .pair : .group(limit: limit), members: members)
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
        let connection = connection
        let open = { (file: CInt, offset: UInt64) throws(DMAError) -> DomainWindow in
            let request = OpenWindow(
                group: group, rights: UInt16(rights.rawValue), offset: offset, byteCount: memory.length)
            let opened = try connection.request(request, descriptors: [file], for: WindowOpened.self).message
            return DomainWindow(
                handler: opened.handler, iova: opened.iova, length: memory.length, rights: rights)
        }
        let window: DomainWindow?
        if let descriptor = memory.descriptor {
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
