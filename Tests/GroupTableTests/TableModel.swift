import DMADev
import GroupTable

/// What a table has to do, as plainly as it can be said: who sits where, and what each device has to hear.
struct TableModel {
    struct Seat: Equatable {
        var domain: DomainID
        var process: UInt64
        var devices: [Int16]
    }

    /// One stay of a device in a group.
    struct Stay {
        var client: AccessGroupClient
        var group: AccessGroupID
        /// What it has to hear, in order, and how much of it it has heard.
        var events: [(kind: AccessGroupEvent.Kind, domain: DomainID)] = []
        var heard = 0
        /// It has left: what it has not heard by now it never hears.
        var isOver = false
    }

    let groupCount: Int
    let handlerCount: Int
    var seats: [AccessGroupID: [Seat]] = [:]
    var limits: [AccessGroupID: Int] = [:]
    /// Groups that are gone but for a confirmation, by its place in `open`.
    var ending: [AccessGroupID: Int] = [:]
    /// Confirmations to come: the handlers of each.
    var open: [Int: [DomainHandler]] = [:]
    var handlers: [AccessGroupID: [DomainID: DomainHandler]] = [:]
    var holds: [DomainHandler: Int] = [:]
    var stays: [Stay] = []
    /// The open windows: whose, and where.
    var windows: [(iova: UInt64, group: AccessGroupID, owner: AccessGroupClient)] = []

    /// Numbers that nobody may get: of members, not confirmed, or held.
    var takenHandlers: Set<DomainHandler> {
        Set(handlers.values.flatMap(\.values)).union(open.values.joined()).union(holds.keys)
    }

    func seat(_ client: AccessGroupClient, in id: AccessGroupID) -> Int? {
        seats[id]?.firstIndex { $0.process == client.process && $0.devices.contains(client.number) }
    }

    /// Adds an event to what all devices that are in a group have to hear.
    ///
    /// - Parameter client: the one that has caused it, where it is still in the group.
    mutating func tell(
        _ kind: AccessGroupEvent.Kind, _ seat: Seat, in id: AccessGroupID, by client: AccessGroupClient? = nil
    ) {
        for index in stays.indices where stays[index].group == id && !stays[index].isOver {
            if stays[index].client == client { continue }
            // Of an older group that had this number, whose end is still to be heard.
            if stays[index].events.last?.kind == .destroyed { continue }
            stays[index].events.append((kind, seat.domain))
        }
    }

    mutating func sit(_ client: AccessGroupClient, in id: AccessGroupID) {
        stays.append(Stay(client: client, group: id))
    }

    /// A device gets up; its seat goes with the last one, and the group with its creator. Returns the handlers that die.
    mutating func stand(_ client: AccessGroupClient, from id: AccessGroupID) -> [DomainHandler] {
        guard let index = seat(client, in: id), var seat = seats[id]?[index] else { return [] }
        for stay in stays.indices where stays[stay].client == client && stays[stay].group == id {
            stays[stay].isOver = true
        }
        let isCreator = index == 0 && seat.devices.first == client.number
        if seat.devices.count > 1, !isCreator {
            seat.devices.removeAll { $0 == client.number }
            seats[id]?[index] = seat
            for window in windows where window.group == id && window.owner == client {
                tell(.windowClosed, seat, in: id)
            }
            windows.removeAll { $0.group == id && $0.owner == client }
            tell(.deviceLeft, seat, in: id)
            return []
        }
        windows.removeAll { $0.group == id && (isCreator || $0.owner == client) }
        if !isCreator {
            seats[id]?.remove(at: index)
            tell(.left, seat, in: id)
            return [handlers[id]?.removeValue(forKey: seat.domain)].compactMap { $0 }
        }
        tell(.destroyed, seat, in: id)
        let dead = (seats[id] ?? []).compactMap { handlers[id]?[$0.domain] }
        (seats[id], handlers[id], limits[id]) = (nil, nil, nil)
        return dead
    }

    /// A device has heard something; `nil` when it is what it had to hear, else what is wrong.
    mutating func hear(_ delivery: AccessGroupDelivery) -> String? {
        // The group's number may be in use anew: what is not heard of the old one comes first.
        let index = stays.firstIndex { stay in
            stay.client == delivery.client && stay.group == delivery.event.group && !stay.isOver
                && stay.heard < stay.events.count
        }
        guard let index else { return "\(delivery) was not due" }
        let due = stays[index].events[stays[index].heard]
        guard due.kind == delivery.event.kind, due.domain == delivery.event.domain else {
            return "\(delivery) came in place of \(due)"
        }
        stays[index].heard += 1
        if due.kind == .destroyed { stays[index].isOver = true }
        return nil
    }
}
