internal import ControllerProtocol
internal import DMADev
internal import LinuxSystem

/// The cached groups of a device and the sink for their events. It outlives connections.
///
/// Groups end with their controller. Each is reported as destroyed once: at the end of the connection, or at the start
/// of the next one, whichever comes first.
final class AccessGroupCache: Sendable {
    private struct State {
        var sink: AccessGroupEventSink?
        var groups: [AccessGroupID: AccessGroupInfo] = [:]
        /// Counts the connections; reports of an earlier connection are ignored.
        var connection: UInt64 = 0
        var isLost = false

        /// Removes all groups.
        ///
        /// - Returns: the events to deliver.
        mutating func lose() -> [AccessGroupEvent] {
            defer { groups = [:] }
            isLost = true
            return groups.values.sorted { $0.id < $1.id }.compactMap(AccessGroupCache.end)
        }
    }

    private let state = Locked(State())

    var groups: [AccessGroupInfo] { state.withLock { $0.groups.values.sorted { $0.id < $1.id } } }

    func deliver(to sink: @escaping AccessGroupEventSink) { state.withLock { $0.sink = sink } }

    func update(_ group: AccessGroupInfo) {
        state.withLock { state in
            if !state.isLost { state.groups[group.id] = group }
        }
    }

    /// Records that the device has entered a group. If the connection has ended since the answer, delivers *destroyed*.
    func recordEntry(_ group: AccessGroupInfo) {
        let (events, sink) = state.withLock { state in
            guard state.isLost else {
                state.groups[group.id] = group
                return ([AccessGroupEvent](), state.sink)
            }
            return (Self.end(of: group).map { [$0] } ?? [], state.sink)
        }
        events.forEach { sink?($0) }
    }

    func remove(_ group: AccessGroupID) { state.withLock { $0.groups[group] = nil } }

    /// Removes all groups without events: the device itself closes.
    func removeAll() { state.withLock { $0.groups = [:] } }

    /// Starts a connection; groups of the previous one are reported as destroyed.
    ///
    /// - Returns: the connection's number, for ``connectionLost(_:)``.
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

    /// Reports all groups as destroyed if this is the current connection.
    func connectionLost(_ connection: UInt64) {
        let (events, sink) = state.withLock { state in
            (state.connection == connection ? state.lose() : [], state.sink)
        }
        events.forEach { sink?($0) }
    }

    /// Applies a change and delivers its event. Called on the connection's thread.
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

    /// The event for the end of a group: it names the creator, which is the first member.
    private static func end(of group: AccessGroupInfo) -> AccessGroupEvent? {
        group.members.first.map {
            AccessGroupEvent(kind: .destroyed, group: group.id, handler: $0.handler, domain: $0.domain)
        }
    }
}
