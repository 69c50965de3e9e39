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

    /// Reads a group member by member. The changes that the controller sends meanwhile are applied to the result.
    public func accessGroup(_ group: AccessGroupID) throws(DMAError) -> AccessGroupInfo {
        groupCache.beginReading(group)
        do throws(DMAError) {
            return groupCache.finishReading(try readGroup(group, connection))
        } catch {
            groupCache.endReading(group)
            throw error
        }
    }

    private func readGroup(
        _ group: AccessGroupID, _ connection: ControllerConnection
    ) throws(DMAError) -> AccessGroupInfo {
        var info = AccessGroupInfo(id: group, kind: .pair, members: [])
        var next: (member: UInt64, window: UInt64)? = (0, 0)
        while let (member, window) = next {
            let found: GroupMember
            do throws(DMAError) {
                let request = AskGroup(group: group, member: member, window: window)
                found = try connection.request(request, for: GroupMember.self).message
            } catch {
                // All that followed have left meanwhile.
                if error.errno == .noSuchFileOrDirectory, !info.members.isEmpty { break }
                throw error
            }
            guard window == 0 || found.identity == member else {
                // The member has left while its windows were read: this is the next one, without its first windows.
                next = (found.identity, 0)
                continue
            }
            info.kind = found.limit == 0 ? .pair : .group(limit: found.limit)
            if window == 0 { info.members.append(try AccessGroupMember(found)) }
            info.members[info.members.count - 1].windows += found.windows.map { DomainWindow($0, of: found.handler) }
            if let last = found.windows.last, found.windows.count < Int(found.windowCount) {
                next = (found.identity, last.iova &+ 1)
            } else {
                next = found.memberCount > 1 ? (found.identity &+ 1, 0) : nil
            }
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

extension AccessGroupMember {
    /// A member without windows.
    fileprivate init(_ found: GroupMember) throws(DMAError) {
        guard let domain = DomainID(bytes: found.domain) else {
            throw DMAError(.system, .protocolError, "the controller's answer has no domain of 16 bytes")
        }
        self.init(
            domain: domain, handler: found.handler, isCreator: found.isCreator, processID: found.processID,
            devices: found.devices)
    }
}
