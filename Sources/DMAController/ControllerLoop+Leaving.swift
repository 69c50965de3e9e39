internal import DMADev
internal import DMAEngine
internal import Glibc
internal import GroupTable
internal import LinuxSystem
internal import Logging

/// The end of a connection, in three steps: it disappears from all tables; after a quiescent point its memberships are
/// revoked, and all its rings disappear from what is published; then rings and memory are released, one ring at a time.
extension ControllerLoop {
    /// Disconnects a peer.
    func drop(_ peer: Peer) {
        guard peers.removeValue(forKey: peer.number) != nil else { return }
        leaving[peer.number] = peer
        waitingJoins.remove(peer.number)
        peer.waitingJoin = nil
        afterPopulating[peer.number] = nil
        // The rest stays charged until it is released. The connection does not: the next one of the same application
        // must not depend on the order of the tenant's work.
        ledger.release(peer.tenant, QuotaLedger.Amount(connections: 1, events: peer.unsent.count))
        peer.unsent = []
        // The last reference to the peer closes both; events of the socket's copies elsewhere must not be reported.
        // Shut down now, so that the application sees the end: closing may be slow. A broker shares out the memory of a
        // region again when it sees the end: that one must be closed last.
        if peer.region == nil { _ = Glibc.shutdown(peer.socket.raw, CInt(SHUT_RDWR)) }
        try? poller.remove(peer.socket.raw)
        if let process = peer.process { try? poller.remove(process.descriptor.raw) }
        changedPeers.insert(peer.number)
        let isLast = processes.disconnect(peer.client.process)
        defer { if isLast { groups.forget(process: peer.client.process) } }
        guard let device = peer.device else { return release(peer) }
        // The quiescent point that is requested later covers it.
        _ = EngineRing.startDetaching(peer.rings.values.map(\.ring), from: engine)
        let withdrawal = withdraw(groups.depart(peer.client, isForced: peer.isExpelled))
        peer.memberships = [:]
        afterQuiescence(for: peer.tenant) { [self] in
            withdrawRings(of: peer)
            engine.unwatch(device.bell.event.raw)
            complete(withdrawal)
            deliver()
            release(peer)
        }
    }

    /// Lets the application of a peer read its counters when the controller has stopped: it did not end the connection.
    func keepCounters(of peer: Peer) {
        for ring in peer.rings.values { ring.memory.keepApplicationPages() }
        for ring in peer.endedRings.values { ring.memory.keepApplicationPages() }
    }

    /// Takes all rings of a disconnected peer, which the engine has left, from what is published.
    private func withdrawRings(of peer: Peer) {
        for (vchan, ring) in zip(peer.rings.keys, peer.rings.values) {
            ring.ring.wasDetached()
            peer.work += Work(of: ring.memory)
            peer.claims = peer.claims + ring.claims.read(from: ring.memory)
            peer.changedRings.insert(vchan)
        }
        swap(&peer.rings, &peer.leftRings)
        changedPeers.insert(peer.number)
    }

    /// Releases one ring of a disconnected peer, and with the last one the rest.
    func release(_ peer: Peer) {
        if let ring = peer.leftRings.removeAny() {
            // The rest was counted when it was withdrawn.
            let counted = Work(of: ring.memory)
            end(ring)
            peer.work += Work(of: ring.memory) - counted
            return releaseNext(ring, of: peer)
        }
        if let ring = peer.endedRings.removeAny() { return releaseNext(ring, of: peer) }
        removeNew(of: peer)
        departedWork += peer.work
        departedWork.refusedAccesses &+= peer.device?.domains.refusedAccesses ?? 0
        for amount in peer.windows.values.map(\.amount) + peer.files.values.map(\.amount) {
            ledger.release(peer.tenant, amount)
        }
        blockingCalls.release(peer.windows.values.map(\.region.mapping) + peer.files.values.map(\.mapping))
        peer.windows = ChargedTable()
        peer.files = ChargedTable()
        leaving[peer.number] = nil
        takeDelayedArrivals(peer.tenant)
        changedPeers.insert(peer.number)
        statistics.closed += 1
        logger.debug("an application disconnected", metadata: Self.metadata(of: peer))
    }

    /// Reverts the charge for a ring that is gone, and leaves the next one for the tenant's next turn.
    private func releaseNext(_ ring: some Charged, of peer: Peer) {
        ledger.release(peer.tenant, ring.amount)
        changedPeers.insert(peer.number)
        queue.add(.release(peer), for: peer.tenant)
    }

    /// Ends a ring that the engine has left: operations that are not finished end as aborted.
    private func end(_ ring: Peer.Ring) {
        ring.ring.abortRest()
        for handler in ring.handlers { groups.release(handler) }
    }

    /// Releases a stopped ring.
    func removeRing(_ vchan: UInt16, of peer: Peer) {
        guard let ring = peer.rings.removeValue(forKey: vchan) else { return }
        end(ring)
        peer.work += Work(of: ring.memory)
        peer.claims = peer.claims + ring.claims.read(from: ring.memory)
        if peer.region == nil {
            let bytes = QuotaLedger.Amount(bytes: ring.amount.bytes)
            ledger.release(peer.tenant, QuotaLedger.Amount(rings: ring.amount.rings))
            peer.endedRings[vchan] = Peer.EndedRing(memory: ring.memory, amount: bytes)
        } else {
            // The application has the memory, whose engine's part is here.
            ledger.release(peer.tenant, ring.amount)
        }
        peer.changedRings.insert(vchan)
        changedPeers.insert(peer.number)
    }

    /// Releases the memory of a ring that has ended, if there is one.
    func removeEnded(_ vchan: UInt16, of peer: Peer) {
        guard let ring = peer.endedRings.removeValue(forKey: vchan) else { return }
        ledger.release(peer.tenant, ring.amount)
        changedPeers.insert(peer.number)
    }

    /// Releases the rings that were not started.
    func removeNew(of peer: Peer) {
        for ring in peer.newRings.values {
            ledger.release(peer.tenant, ring.amount)
            for handler in ring.handlers { groups.release(handler) }
        }
        peer.newRings = ChargedTable()
    }
}
