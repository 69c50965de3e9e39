internal import ControllerProtocol
internal import DMADev
internal import LinuxSystem

/// The cached groups of a device and the sink for their events. It outlives connections.
///
/// The connection's thread enters a group and applies the changes in the order in which the controller sent them, each
/// before its event is delivered: a cached group is never older than its last event. Groups end with their controller.
/// Each is reported as destroyed once: at the end of the connection, or at the start of the next one, whichever comes
/// first.
final class AccessGroupCache: Sendable {
    private struct Membership {
        /// Tells the group from earlier and later ones with its number.
        let identity: UInt64
        /// The handler of this device.
        let own: DomainHandler
        var info: AccessGroupInfo

        /// Applies a change that this device made.
        mutating func apply(_ kind: AccessGroupEvent.Kind, _ window: DomainWindow) {
            info.apply(
                GroupChanged(
                    change: kind.rawValue, group: info.id, identity: identity, handler: own, domain: [],
                    window: .init(iova: window.iova, byteCount: window.length, rights: window.rights.rawValue)))
        }

        /// The event for the end of the connection: it names the creator, which is the first member.
        var end: AccessGroupEvent? {
            info.members.first.map {
                AccessGroupEvent(
                    kind: .destroyed, group: info.id, identity: identity, handler: $0.handler, domain: $0.domain,
                    processID: $0.processID, reason: .controllerLost)
            }
        }
    }

    private struct State {
        var sink: AccessGroupEventSink?
        var memberships: [AccessGroupID: Membership] = [:]
        /// Counts the connections; what an earlier connection still receives is ignored.
        var connection: UInt64 = 0

        /// Removes all groups.
        ///
        /// - Returns: the events to deliver.
        mutating func lose() -> [AccessGroupEvent] {
            defer { memberships = [:] }
            return memberships.values.sorted { $0.info.id < $1.info.id }.compactMap(\.end)
        }
    }

    private let state = Locked(State())

    var groups: [AccessGroupInfo] {
        state.withLock { $0.memberships.values.map(\.info).sorted { $0.id < $1.id } }
    }

    func deliver(to sink: @escaping AccessGroupEventSink) { state.withLock { $0.sink = sink } }

    func remove(_ group: AccessGroupID) { state.withLock { $0.memberships[group] = nil } }

    /// Removes all groups without events: the device itself closes.
    func removeAll() { state.withLock { $0.memberships = [:] } }

    /// A group as of the last answer or event; `nil` when the device is not in it.
    func group(_ id: AccessGroupID) -> AccessGroupInfo? { state.withLock { $0.memberships[id]?.info } }

    // MARK: Changes by this device

    func opened(_ window: DomainWindow, in group: AccessGroupID) {
        state.withLock { $0.memberships[group]?.apply(.windowOpened, window) }
    }

    func closed(iova: UInt64) {
        state.withLock { state in
            for (group, membership) in state.memberships {
                let own = membership.info.members.first { $0.handler == membership.own }
                guard let window = own?.windows.first(where: { $0.iova == iova }) else { continue }
                state.memberships[group]?.apply(.windowClosed, window)
            }
        }
    }

    // MARK: The connection

    /// Starts a connection; groups of the previous one are reported as destroyed.
    ///
    /// - Returns: the connection's number, for the calls of its thread.
    func begin() -> UInt64 {
        let (events, sink, number) = state.withLock { state in
            let events = state.lose()
            state.connection += 1
            return (events, state.sink, state.connection)
        }
        events.forEach { sink?($0) }
        return number
    }

    /// Records that the device has entered a group.
    func entered(_ entry: GroupEntered, _ members: AccessGroupInfo, on connection: UInt64) {
        state.withLock { state in
            guard state.connection == connection else { return }
            state.memberships[entry.group] = Membership(identity: entry.identity, own: entry.handler, info: members)
        }
    }

    /// Replaces the members of a group that the device has asked for.
    func listed(_ members: AccessGroupInfo, on connection: UInt64) {
        state.withLock { state in
            guard state.connection == connection, state.memberships[members.id]?.identity == members.identity else {
                return
            }
            state.memberships[members.id]?.info = members
        }
    }

    /// Applies a change and delivers its event. A change of a group that the device is no longer in is ignored.
    func receive(_ notice: GroupChanged, on connection: UInt64) {
        guard let event = AccessGroupEvent(notice) else { return }
        let sink: AccessGroupEventSink? = state.withLock { state in
            guard state.connection == connection, state.memberships[notice.group]?.identity == notice.identity else {
                return nil
            }
            if event.kind == .destroyed {
                state.memberships[notice.group] = nil
            } else {
                state.memberships[notice.group]?.info.apply(notice)
            }
            return state.sink
        }
        sink?(event)
    }

    /// Reports all groups as destroyed if this is the current connection.
    func connectionLost(_ connection: UInt64) {
        let (events, sink) = state.withLock { state in
            (state.connection == connection ? state.lose() : [], state.sink)
        }
        events.forEach { sink?($0) }
    }
}

extension AccessGroupEvent {
    /// - Returns: `nil` for a notice of values that are not defined.
    fileprivate init?(_ notice: GroupChanged) {
        guard let kind = Kind(rawValue: notice.change), let domain = DomainID(bytes: notice.domain) else { return nil }
        self.init(
            kind: kind, group: notice.group, identity: notice.identity, handler: notice.handler, domain: domain,
            processID: notice.processID, device: notice.device)
        switch kind {
        case .windowOpened, .windowClosed: window = DomainWindow(notice.window, of: notice.handler)
        case .destroyed: reason = EndReason(rawValue: notice.reason)
        default: break
        }
    }
}

extension AccessGroupInfo {
    /// Applies a change. Applying it again, or to a group that was listed after it, makes no difference if all later
    /// changes follow.
    fileprivate mutating func apply(_ change: GroupChanged) {
        let index = members.firstIndex { $0.handler == change.handler }
        switch AccessGroupEvent.Kind(rawValue: change.change) {
        case .joined:
            guard index == nil, let domain = DomainID(bytes: change.domain) else { return }
            members.append(
                AccessGroupMember(
                    domain: domain, handler: change.handler, isCreator: false, processID: change.processID,
                    devices: change.device < 0 ? [] : [change.device]))
        case .left: members.removeAll { $0.handler == change.handler }
        default:
            if let index { members[index].apply(change) }
        }
    }
}

extension AccessGroupMember {
    fileprivate mutating func apply(_ change: GroupChanged) {
        switch AccessGroupEvent.Kind(rawValue: change.change) {
        case .windowOpened where !windows.contains { $0.iova == change.window.iova }:
            windows.append(DomainWindow(change.window, of: handler))
        case .windowClosed: windows.removeAll { $0.iova == change.window.iova }
        case .deviceJoined where change.device >= 0 && !devices.contains(change.device):
            devices.append(change.device)
        case .deviceLeft: devices.removeAll { $0 == change.device }
        default: break
        }
    }
}

extension AccessGroupInfo {
    /// An empty group, for the parts of its member list.
    init(listedIn part: GroupMembers) {
        self.init(
            id: part.group, identity: part.identity, kind: part.limit == 0 ? .pair : .group(limit: part.limit),
            members: [])
    }

    /// Adds a part of the member list.
    mutating func add(_ part: GroupMembers) {
        for member in part.members {
            let windows = member.windows.map { DomainWindow($0, of: member.handler) }
            if let last = members.indices.last, members[last].handler == member.handler {
                members[last].windows += windows
            } else if let domain = DomainID(bytes: member.domain) {
                members.append(
                    AccessGroupMember(
                        domain: domain, handler: member.handler, isCreator: member.isCreator,
                        processID: member.processID, devices: member.devices, windows: windows))
            }
        }
    }
}

extension DomainWindow {
    init(_ window: GroupMember.Window, of handler: DomainHandler) {
        self.init(
            handler: handler, iova: window.iova, length: window.byteCount,
            rights: WindowRights(rawValue: window.rights))
    }
}
