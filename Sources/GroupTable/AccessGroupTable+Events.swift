internal import DMADev

/// What members are told: each event once, in the order in which things happened.
extension AccessGroupTable {
    /// The events that may go out now. The caller sends each, in this order.
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

    /// Lets a group's events go as far as nothing has to be confirmed before.
    mutating func release(_ id: AccessGroupID) {
        while let next = groups[id]?.outbox.first {
            if let revocation = next.revocation, pending[revocation] != nil { return }
            groups[id]?.outbox.removeFirst()
            deliveries += next.recipients.map { AccessGroupDelivery(client: $0, event: next.event) }
        }
        if groups[id]?.isEnding == true { groups[id] = nil }
    }
}
