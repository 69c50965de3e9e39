public import DMADev
internal import SystemPackage

/// Leaving and destroying a group, in two steps.
extension AccessGroupTable {
    /// Leaves a group. If the process has other devices in the group, only this device leaves, with its windows.
    ///
    /// - Throws: `EINVAL` for a number out of range, `EACCES` for a group that the device is not in, `EPERM` for
    ///   the device that created it.
    public mutating func leave(
        _ id: AccessGroupID, by client: AccessGroupClient
    ) throws(DMAError) -> Revocation {
        let (group, _) = try membership(id, client)
        guard client != group.creator else {
            throw DMAError(
                .notPermitted, .notPermitted,
                "the creator cannot leave access group \(id): it destroys the group instead")
        }
        var revocation = newRevocation()
        remove(client, from: id, didDie: false, &revocation)
        return revocation
    }

    /// Destroys a group that has no member except its creator. Other devices that share the creator's seat receive
    /// *destroyed*.
    ///
    /// - Throws: `EINVAL` for a number out of range, `EACCES` for a group that the device is not in, `EPERM` for a
    ///   device that has not created it, `EBUSY` while the group has other members.
    public mutating func destroy(
        _ id: AccessGroupID, by client: AccessGroupClient
    ) throws(DMAError) -> Revocation {
        let (group, _) = try membership(id, client)
        guard client == group.creator else {
            throw DMAError(
                .notPermitted, .notPermitted, "only the device that created access group \(id) can destroy it")
        }
        guard group.seats.count == 1 else {
            throw DMAError(
                .busy, .resourceBusy,
                "access group \(id) has \(group.seats.count - 1) members besides its creator: they must leave first")
        }
        var revocation = newRevocation()
        end(id, .destroyed, by: client, &revocation)
        return revocation
    }

    /// Removes a device that was closed, or whose connection was closed, from all its groups. The groups that it created
    /// are destroyed.
    ///
    /// - Parameters:
    ///   - client: the device.
    ///   - isForced: whether the caller has ended the connection, and not the device.
    public mutating func depart(_ client: AccessGroupClient, isForced: Bool = false) -> Revocation {
        var revocation = newRevocation()
        for id in groups.keys.sorted() {
            silence(client, in: id)
            guard let group = groups[id], !group.isEnding else { continue }
            if client == group.creator {
                end(id, isForced ? .forced : .creatorDied, by: client, &revocation)
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
        for id in revocation.groups { release(id) }
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

    /// Removes a device with its windows from a group, and the seat after its last device.
    private mutating func remove(
        _ client: AccessGroupClient, from id: AccessGroupID, didDie: Bool, _ revocation: inout Revocation
    ) {
        guard var group = groups[id], let index = group.seat(of: client) else { return }
        var seat = group.seats[index]
        let closed = seat.windows.filter { $0.owner == client }
        seat.devices.removeAll { $0 == client }
        seat.windows.removeAll { $0.owner == client }
        if seat.devices.isEmpty { group.seats.remove(at: index) } else { group.seats[index] = seat }
        groups[id] = group
        revocation.groups.append(id)
        silence(client, in: id)
        close(closed, of: seat, in: id, &revocation)
        guard seat.devices.isEmpty else {
            for window in closed {
                let event = event(.windowClosed, of: seat, in: id, window: window.window)
                send(event, to: group.clients, after: revocation.number)
            }
            let event = event(.deviceLeft, of: seat, in: id, device: client)
            record(event)
            return send(event, to: group.clients, after: revocation.number)
        }
        kill(seat, id, &revocation)
        // For the others it is the same.
        record(event(didDie ? .died : .left, of: seat, in: id, device: client))
        send(event(.left, of: seat, in: id, device: client), to: group.clients, after: revocation.number)
    }

    /// Removes all events of the group for a device that leaves, including those that are ready to be sent.
    private mutating func silence(_ client: AccessGroupClient, in id: AccessGroupID) {
        for place in groups[id]?.outbox.indices ?? 0..<0 {
            groups[id]?.outbox[place].recipients.removeAll { $0 == client }
        }
        deliveries.removeAll { $0.client == client && $0.event.group == id }
    }

    /// Ends a group for all its devices; each except the one that causes it receives *destroyed*.
    private mutating func end(
        _ id: AccessGroupID, _ reason: AccessGroupEvent.EndReason, by client: AccessGroupClient,
        _ revocation: inout Revocation
    ) {
        silence(client, in: id)
        guard var group = groups[id] else { return }
        let (seats, clients) = (group.seats, group.clients)
        group.seats = []
        group.token = nil
        group.isEnding = true
        groups[id] = group
        revocation.groups.append(id)
        for seat in seats {
            close(seat.windows, of: seat, in: id, &revocation)
            kill(seat, id, &revocation)
        }
        let event = event(.destroyed, of: seats[0], in: id, reason: reason)
        record(event)
        send(event, to: clients.filter { $0 != client }, after: revocation.number)
    }

    /// Records windows that go with their device.
    private mutating func close(
        _ windows: [Window], of seat: Seat, in id: AccessGroupID, _ revocation: inout Revocation
    ) {
        for window in windows {
            revocation.windows.append(window.window)
            groupOfWindow[WindowKey(process: seat.process, iova: window.window.iova)] = nil
            record(event(.windowClosed, of: seat, in: id, window: window.window))
        }
    }

    private mutating func kill(_ seat: Seat, _ id: AccessGroupID, _ revocation: inout Revocation) {
        pending[revocation.number, default: []].append((id, seat.handler))
        groupOfHandler[seat.handler] = nil
        revocation.handlers.append(seat.handler)
    }
}
