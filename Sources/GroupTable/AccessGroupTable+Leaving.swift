public import DMADev
internal import SystemPackage

/// Leaving and destroying a group, in two steps.
extension AccessGroupTable {
    /// Leaves a group. If the process has other devices in the group, only this device leaves, without an event.
    ///
    /// - Throws: `EINVAL` for a number out of range, `EACCES` for a group that the device is not in, `EPERM` for
    ///   the creator.
    public mutating func leave(
        _ id: AccessGroupID, by client: AccessGroupClient
    ) throws(DMAError) -> Revocation {
        let (group, index) = try membership(id, client)
        guard client != group.creator, index != 0 || group.seats[0].devices.count > 1 else {
            throw DMAError(
                .notPermitted, .notPermitted,
                "the creator cannot leave access group \(id): it destroys the group instead")
        }
        var revocation = newRevocation()
        remove(client, from: id, didDie: false, &revocation)
        return revocation
    }

    /// Destroys a group that has no member except its creator.
    ///
    /// - Throws: `EINVAL` for a number out of range, `EACCES` for a group that the device is not in, `EPERM` for a
    ///   member that is not the creator, `EBUSY` while the group has other members.
    public mutating func destroy(
        _ id: AccessGroupID, by client: AccessGroupClient
    ) throws(DMAError) -> Revocation {
        let (group, index) = try membership(id, client)
        guard index == 0 else {
            throw DMAError(.notPermitted, .notPermitted, "only the creator can destroy access group \(id)")
        }
        guard group.seats.count == 1 else {
            throw DMAError(
                .busy, .resourceBusy,
                "access group \(id) has \(group.seats.count - 1) members besides its creator: they must leave first")
        }
        var revocation = newRevocation()
        end(id, &revocation)
        return revocation
    }

    /// Removes a device that was closed, or whose connection was closed, from all its groups. A group is destroyed when
    /// the device is the last one of its creator.
    public mutating func depart(_ client: AccessGroupClient) -> Revocation {
        var revocation = newRevocation()
        for id in groups.keys.sorted() {
            silence(client, in: id)
            guard let first = groups[id]?.seats.first else { continue }
            if first.isSeat(of: client), first.devices.count == 1 {
                end(id, &revocation)
            } else {
                remove(client, from: id, didDie: true, &revocation)
            }
        }
        deliveries.removeAll { $0.client == client }
        return revocation
    }

    /// Frees the revoked handlers and releases the events. Call it when no engine uses what was revoked any more.
    public mutating func confirm(_ revocation: Revocation) {
        guard let dead = pending.removeValue(forKey: revocation.number) else { return }
        for (group, handler) in dead {
            numbers.free(handler)
            traceRevoked(group, handler)
        }
        for id in groups.keys.sorted() { release(id) }
    }

    /// Prevents that a live handler's number is assigned to another member before ``release(_:)``. Call it once for
    /// each channel or descriptor that uses the handler.
    ///
    /// - Returns: whether the client can use the handler; the handler is held only then.
    public mutating func hold(_ handler: DomainHandler, by client: AccessGroupClient) -> Bool {
        guard mayUse(handler, client) else { return false }
        numbers.hold(handler)
        return true
    }

    /// Ends one ``hold(_:by:)``, also when the handler was revoked meanwhile.
    public mutating func release(_ handler: DomainHandler) {
        numbers.release(handler)
    }

    // MARK: Implementation

    func membership(
        _ id: AccessGroupID, _ client: AccessGroupClient
    ) throws(DMAError) -> (group: Group, index: Int) {
        try mustBeInRange(id)
        guard let group = groups[id], !group.isEnding, let index = group.seat(of: client) else { throw .notAMember }
        return (group, index)
    }

    mutating func newRevocation() -> Revocation {
        lastRevocation += 1
        // The revocation is pending from here on: its events wait.
        pending[lastRevocation] = []
        return Revocation(number: lastRevocation, handlers: [], windows: [])
    }

    /// Removes a device from a group, and the seat after its last device.
    private mutating func remove(
        _ client: AccessGroupClient, from id: AccessGroupID, didDie: Bool, _ revocation: inout Revocation
    ) {
        guard var group = groups[id], let index = group.seat(of: client) else { return }
        group.seats[index].devices.removeAll { $0 == client.device }
        let seat = group.seats[index]
        if client == group.creator, let other = seat.devices.first { group.creator.device = other }
        if seat.devices.isEmpty { group.seats.remove(at: index) }
        groups[id] = group
        silence(client, in: id)
        guard seat.devices.isEmpty else { return }
        kill(seat, id, &revocation)
        traceLeft(id, seat, didDie)
        tell(.left, of: seat, in: id, to: group.seats, after: revocation.number)
    }

    /// Removes all events of the group for a device that leaves, including those that are ready to be sent.
    private mutating func silence(_ client: AccessGroupClient, in id: AccessGroupID) {
        for place in groups[id]?.outbox.indices ?? 0..<0 {
            groups[id]?.outbox[place].recipients.removeAll { $0 == client }
        }
        deliveries.removeAll { $0.client == client && $0.event.group == id }
    }

    private mutating func end(_ id: AccessGroupID, _ revocation: inout Revocation) {
        for client in groups[id]?.seats.first?.clients ?? [] { silence(client, in: id) }
        guard var group = groups[id] else { return }
        let seats = group.seats
        group.seats = []
        group.token = nil
        group.isEnding = true
        groups[id] = group
        for seat in seats { kill(seat, id, &revocation) }
        traceDestroyed(id, seats[0])
        tell(.destroyed, of: seats[0], in: id, to: Array(seats.dropFirst()), after: revocation.number)
    }

    private mutating func kill(_ seat: Seat, _ id: AccessGroupID, _ revocation: inout Revocation) {
        pending[revocation.number, default: []].append((id, seat.handler))
        groupOfHandler[seat.handler] = nil
        revocation.handlers.append(seat.handler)
        revocation.windows += seat.windows
    }
}
