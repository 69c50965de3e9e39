/// Adds up the events of access groups.
struct GroupCollector {
    private struct Key: Hashable {
        let process: Int
        let group: Int
    }

    /// In the order of their first events.
    private(set) var all: [GroupReport] = []
    /// Events of groups of which nothing is kept.
    private(set) var furtherCount: UInt64 = 0
    private var places: [Key: Int] = [:]

    /// The places of the first fields: group, handler, domain, process.
    private enum Slot {
        static let group = 0
        static let handler = 1
        static let domain = 2
        static let process = 3
    }

    mutating func take(_ event: TraceEvent, from processes: TraceProcesses) {
        let key = Key(process: event.process, group: Int(event.integer(Slot.group)))
        let manager = processes.all[event.process].label
        if event.kind == .groupCreated { places[key] = nil }
        guard let place = place(of: key, manager) else { return }
        switch event.kind {
        case .groupCreated:
            all[place].created = event.time
            all[place].limit = Int(event.integer(4))
            all[place].add(Self.member(event, processes))
        case .groupDestroyed:
            all[place].destroyed = event.time
            // Its handlers can be revoked later.
            all[place].reason = event.text(1)
        case .memberJoined: all[place].add(Self.member(event, processes))
        case .memberLeft:
            all[place].remove(
                handler: Int(event.integer(Slot.handler)), at: event.time, hasDied: event.unsigned(4) != 0)
        case .deviceJoined: all[place].deviceJoins += 1
        case .deviceLeft: all[place].deviceLeaves += 1
        case .handlerRevoked: all[place].revocations += 1
        case .windowAdded: all[place].windows.begin(event.unsigned(1))
        case .windowRemoved: all[place].windows.end(event.unsigned(1))
        case .joinDenied:
            // Group, process, user, error.
            all[place].add(
                GroupReport.Denial(
                    kind: .join, processID: Int(event.integer(1)), user: Int(event.integer(2)), handler: nil,
                    requester: nil, reason: abs(Int(event.integer(3)))))
        case .accessRefused:
            // Group, handler, handler of the requester, length, status.
            all[place].add(
                GroupReport.Denial(
                    kind: .access, processID: nil, user: nil, handler: Int(event.integer(1)),
                    requester: Int(event.integer(2)), reason: Int(event.integer(4))))
        default: break
        }
    }

    private mutating func place(of key: Key, _ manager: String) -> Int? {
        if let place = places[key] { return place }
        guard all.count < GroupReport.mostGroups else {
            furtherCount += 1
            return nil
        }
        all.append(GroupReport(manager: manager, number: key.group))
        places[key] = all.count - 1
        return all.count - 1
    }

    private static func member(_ event: TraceEvent, _ processes: TraceProcesses) -> GroupReport.Member {
        let processID = Int(event.integer(Slot.process))
        let domain = event.sequence(Slot.domain)
        return GroupReport.Member(
            process: processes.label(processes.index(of: processID) ?? -1, processID: processID),
            processID: processID, handler: Int(event.integer(Slot.handler)),
            domain: (0..<domain.count).map { UInt8(truncatingIfNeeded: domain[$0]) }, joined: event.time)
    }
}
