internal import LinuxSystem
internal import Logging
internal import SystemPackage

/// Messages to peers, queued while a peer does not read.
extension ControllerLoop {
    /// Sends a message, after those that are queued already.
    ///
    /// When the socket is full, the message is queued if the peer receives events: it did not request those of groups,
    /// which fill its socket. A peer that receives only answers violates the protocol: it may have only one
    /// request pending.
    ///
    /// - Returns: the peer to disconnect: when the tenant's quota is used up, this one or another one of it with
    ///   more queued messages; this one if sending fails; else `nil`.
    func send(_ bytes: [UInt8], _ descriptors: [CInt] = [], to peer: Peer) -> Peer? {
        if peer.unsent.isEmpty {
            let error = bytes.withUnsafeBytes { bytes -> Errno? in
                do throws(Errno) {
                    try SequencedPacketSocket.send(bytes, descriptors: descriptors, on: peer.socket.raw)
                    return nil
                } catch {
                    return error
                }
            }
            guard let error else { return nil }
            guard error == .wouldBlock, peer.receivesEvents else { return peer }
        }
        // Messages with descriptors are never queued: no request that needs one is read while messages are queued.
        guard descriptors.isEmpty else { return peer }
        return keep(bytes, for: peer)
    }

    private func keep(_ bytes: [UInt8], for peer: Peer) -> Peer? {
        let tenant = peer.tenant
        let event = QuotaLedger.Amount(events: 1)
        var failed: Peer?
        if let full = ledger.charge(tenant, event) {
            statistics.quotaRefusals += 1
            let others = peers.values.filter { $0.tenant == tenant && $0.unsent.count > peer.unsent.count }
            let worst = others.max { $0.unsent.count < $1.unsent.count } ?? peer
            logEnd(of: worst, full)
            ledger.release(tenant, QuotaLedger.Amount(events: worst.unsent.count))
            worst.unsent = []
            worst.isExpelled = true
            guard worst !== peer, ledger.charge(tenant, event) == nil else { return worst }
            failed = worst
        }
        if peer.unsent.isEmpty { watch(peer, .writable) }
        peer.unsent.append(bytes)
        return failed
    }

    private func logEnd(of peer: Peer, _ reason: String) {
        guard let suppressed = unreadLimiter.admit() else { return }
        let more: Logger.Metadata = [
            "reason": "\(reason)", "unread": "\(peer.unsent.count)", "suppressed": "\(suppressed)",
        ]
        logger.notice(
            "ended a connection whose application does not read its messages",
            metadata: Self.metadata(of: peer).merging(more) { $1 })
    }

    /// Sends some of the queued messages while the socket has room. When none is left, the peer's requests are read
    /// again.
    ///
    /// - Returns: whether there may be more to do.
    func sendRest(to peer: Peer) -> Bool {
        var count = 0
        var isFull = false
        for bytes in peer.unsent.prefix(64) {
            let error = bytes.withUnsafeBytes { SequencedPacketSocket.send($0, on: peer.socket.raw) }
            isFull = error == .wouldBlock
            if isFull { break }
            if error != nil {
                drop(peer)
                return false
            }
            count += 1
        }
        peer.unsent.removeFirst(count)
        ledger.release(peer.tenant, QuotaLedger.Amount(events: count))
        if peer.unsent.isEmpty {
            watch(peer, .readable)
            queueNotices(to: peer)
        }
        return !isFull
    }

    private func watch(_ peer: Peer, _ events: Poller.Events) {
        try? poller.modify(peer.socket.raw, [events, .edgeTriggered], token: peer.socketToken)
    }
}
