internal import DMADev

/// What members are told: each event once, in the order in which things happened.
extension AccessGroupTable {
    /// The events that may go out now. Send each, and say ``took(_:by:)`` when it is out of your hands.
    public mutating func takeDeliveries() -> [AccessGroupDelivery] {
        defer { deliveries = [] }
        for delivery in deliveries {
            queued[delivery.client.userID, default: [:]][delivery.client.process, default: 0] += 1
        }
        return deliveries
    }

    /// A process has taken events that were delivered to it.
    public mutating func took(_ count: Int, by client: AccessGroupClient) {
        guard let left = queued[client.userID]?[client.process].map({ $0 - count }) else { return }
        queued[client.userID]?[client.process] = left > 0 ? left : nil
    }

    /// Processes of users who have more untaken events than they may, the worst one of each user: events are not dropped,
    /// so such a process has to be cut off.
    public var overrunProcesses: [UInt64] {
        queued.values.compactMap { processes in
            guard processes.values.reduce(0, +) > limits.queuedEventsPerUser else { return nil }
            return processes.max { ($0.value, $0.key) < ($1.value, $1.key) }?.key
        }.sorted()
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
