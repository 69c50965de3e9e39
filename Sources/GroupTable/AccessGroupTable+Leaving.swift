public import DMADev
internal import SystemPackage

/// Going, in two steps.
extension AccessGroupTable {
    /// Leaves a group. Where the process is there with other devices too, only the device goes, and nobody hears of it.
    ///
    /// - Throws: `EINVAL` for a number beyond the table, `EACCES` for a group that the device is not in, `EPERM` for the
    ///   creator.
    public mutating func leave(
        _ id: AccessGroupID, by client: AccessGroupClient
    ) throws(DMAError) -> Revocation {
        let (group, index) = try membership(id, client)
        guard client != group.creator, index != 0 || group.seats[0].devices.count > 1 else {
            throw DMAError(
                .notPermitted, .notPermitted, "the creator of access group \(id) does not leave it: it destroys it")
        }
        var revocation = newRevocation()
        remove(client, from: id, didDie: false, &revocation)
        return revocation
    }

    /// Ends a group that nobody but its creator is in.
    ///
    /// - Throws: `EINVAL` for a number beyond the table, `EACCES` for a group that the device is not in, `EPERM` for
    ///   others than the creator, `EBUSY` while others are in it.
    public mutating func destroy(
        _ id: AccessGroupID, by client: AccessGroupClient
    ) throws(DMAError) -> Revocation {
        let (group, index) = try membership(id, client)
        guard index == 0 else {
            throw DMAError(.notPermitted, .notPermitted, "only its creator destroys access group \(id)")
        }
        guard group.seats.count == 1 else {
            throw DMAError(
                .busy, .resourceBusy,
                "access group \(id) has \(group.seats.count - 1) members beside its creator: they leave first")
        }
        var revocation = newRevocation()
        end(id, &revocation)
        return revocation
    }

    /// A device was closed, or its connection was: it leaves all its groups, and those that it alone holds as creator are
    /// destroyed.
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

    /// No engine uses what was revoked any more: frees the handlers, and lets the events go.
    public mutating func confirm(_ revocation: Revocation) {
        guard let dead = pending.removeValue(forKey: revocation.number) else { return }
        for (group, handler) in dead {
            numbers.free(handler)
            traceRevoked(group, handler)
        }
        for id in groups.keys.sorted() { release(id) }
    }

    /// Keeps a live handler's number from being given to another member until ``release(_:)``: for each channel or
    /// descriptor that has it.
    ///
    /// - Returns: whether the client may use the handler; only then it is held.
    public mutating func hold(_ handler: DomainHandler, by client: AccessGroupClient) -> Bool {
        guard mayUse(handler, client) else { return false }
        numbers.hold(handler)
        return true
    }

    /// Ends one ``hold(_:by:)``, also when the handler died meanwhile.
    public mutating func release(_ handler: DomainHandler) {
        numbers.release(handler)
    }

    // MARK: Inside

    func membership(
        _ id: AccessGroupID, _ client: AccessGroupClient
    ) throws(DMAError) -> (group: Group, index: Int) {
        try mustBeInRange(id)
        guard let group = groups[id], !group.isEnding, let index = group.seat(of: client) else { throw .notAMember }
        return (group, index)
    }

    mutating func newRevocation() -> Revocation {
        lastRevocation += 1
        // Open from now on: events that come of it wait.
        pending[lastRevocation] = []
        return Revocation(number: lastRevocation, handlers: [], windows: [])
    }

    /// Takes a device out of a group, and its seat when it was the last one there.
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

    /// Who goes hears nothing of the group any more, not even what is on its way.
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
