internal import DMADev

/// The events for members: each event once, in the order in which the changes happened.
extension AccessGroupTable {
    /// Returns and removes the events that are ready. The caller sends all of them, in this order.
    public mutating func takeDeliveries() -> [AccessGroupDelivery] {
        defer { deliveries = [] }
        return deliveries
    }

    mutating func tell(
        _ kind: AccessGroupEvent.Kind, of seat: Seat, in id: AccessGroupID, to others: [Seat], after revocation: UInt64?
    ) {
        let event = AccessGroupEvent(kind: kind, group: id, handler: seat.handler, domain: seat.domain)
        groups[id]?.outbox.append(
            Outgoing(event: event, recipients: others.flatMap(\.clients), revocation: revocation))
        release(id)
    }

    /// Releases the events of a group up to the first one that waits for a confirmation.
    mutating func release(_ id: AccessGroupID) {
        while let next = groups[id]?.outbox.first {
            if let revocation = next.revocation, pending[revocation] != nil { return }
            groups[id]?.outbox.removeFirst()
            deliveries += next.recipients.map { AccessGroupDelivery(client: $0, event: next.event) }
        }
        if groups[id]?.isEnding == true { groups[id] = nil }
    }
}
