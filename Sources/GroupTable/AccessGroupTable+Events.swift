internal import DMADev

/// The events for members: each event once, in the order in which the changes happened.
extension AccessGroupTable {
    /// Returns and removes the events that are ready. The caller sends all of them, in this order.
    public mutating func takeDeliveries() -> [AccessGroupDelivery] {
        defer { deliveries = [] }
        return deliveries
    }

    /// Sends an event to devices, after the earlier events of its group.
    ///
    /// - Parameter others: devices other than the one that caused the event.
    mutating func send(_ event: AccessGroupEvent, to others: [AccessGroupClient], after revocation: UInt64?) {
        groups[event.group]?.outbox.append(Outgoing(event: event, recipients: others, revocation: revocation))
        release(event.group)
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
