internal import ControllerProtocol
internal import DMADev
internal import LinuxSystem

/// What this process knows of the groups of a device, and who is to hear of changes: it outlives connections.
///
/// A controller that goes takes its groups with it: each is told as destroyed, once, whichever comes first, the end of
/// the connection or the next one.
final class GroupNews: Sendable {
    private struct State {
        var sink: AccessGroupEventSink?
        var groups: [AccessGroupID: AccessGroupInfo] = [:]
        /// Counts the connections; what an earlier one says is nothing any more.
        var connection: UInt64 = 0
        var isLost = false

        /// Forgets all groups.
        ///
        /// - Returns: what is to be told of that.
        mutating func lose() -> [AccessGroupEvent] {
            defer { groups = [:] }
            isLost = true
            return groups.values.sorted { $0.id < $1.id }.compactMap(GroupNews.end)
        }
    }

    private let state = Locked(State())

    var groups: [AccessGroupInfo] { state.withLock { $0.groups.values.sorted { $0.id < $1.id } } }

    func deliver(to sink: @escaping AccessGroupEventSink) { state.withLock { $0.sink = sink } }

    func note(_ group: AccessGroupInfo) {
        state.withLock { state in
            if !state.isLost { state.groups[group.id] = group }
        }
    }

    /// The device has entered a group. When the controller has gone since it said so, that is told now.
    func noteEntry(_ group: AccessGroupInfo) {
        let (events, sink) = state.withLock { state in
            guard state.isLost else {
                state.groups[group.id] = group
                return ([AccessGroupEvent](), state.sink)
            }
            return (Self.end(of: group).map { [$0] } ?? [], state.sink)
        }
        events.forEach { sink?($0) }
    }

    func forget(_ group: AccessGroupID) { state.withLock { $0.groups[group] = nil } }

    /// The device itself ends everything: nobody hears of it.
    func forgetAll() { state.withLock { $0.groups = [:] } }

    /// A connection begins; another one that there was has gone with its controller.
    ///
    /// - Returns: its number.
    func begin() -> UInt64 {
        let (events, sink, number) = state.withLock { state in
            let events = state.lose()
            state.isLost = false
            state.connection += 1
            return (events, state.sink, state.connection)
        }
        events.forEach { sink?($0) }
        return number
    }

    /// A connection has been lost.
    func lose(_ connection: UInt64) {
        let (events, sink) = state.withLock { state in
            (state.connection == connection ? state.lose() : [], state.sink)
        }
        events.forEach { sink?($0) }
    }

    /// On the connection's thread.
    func receive(_ notice: GroupChanged) {
        guard let kind = AccessGroupEvent.Kind(rawValue: notice.change), let domain = DomainID(bytes: notice.domain)
        else { return }
        let sink = state.withLock { state in
            switch kind {
            case .destroyed: state.groups[notice.group] = nil
            case .left: state.groups[notice.group]?.members.removeAll { $0.handler == notice.handler }
            case .joined:
                state.groups[notice.group]?.members.append(
                    AccessGroupMember(domain: domain, handler: notice.handler, isCreator: false))
            }
            return state.sink
        }
        sink?(AccessGroupEvent(kind: kind, group: notice.group, handler: notice.handler, domain: domain))
    }

    /// What a member hears of the end of a group: it names the creator, who is the first one.
    private static func end(of group: AccessGroupInfo) -> AccessGroupEvent? {
        group.members.first.map {
            AccessGroupEvent(kind: .destroyed, group: group.id, handler: $0.handler, domain: $0.domain)
        }
    }
}
