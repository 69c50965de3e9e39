internal import LinuxSystem
internal import Logging
internal import SystemPackage

/// Messages to peers, queued while a peer does not read.
extension ControllerLoop {
    /// Sends a message, after those that are queued already.
    ///
    /// When the socket is full, the message is queued if the peer has been in a group, because it did not request the
    /// events that fill its socket. A peer that receives only answers violates the protocol: it may have only one
    /// request pending.
    ///
    /// - Returns: the peer to disconnect: when the user's quota is used up, this one or another one of its user with
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
            guard error == .wouldBlock, peer.hasEnteredGroups else { return peer }
        }
        // Messages with descriptors are never queued: no request that needs one is read while messages are queued.
        guard descriptors.isEmpty else { return peer }
        return keep(bytes, for: peer)
    }

    private func keep(_ bytes: [UInt8], for peer: Peer) -> Peer? {
        let user = peer.credentials.uid
        let event = QuotaLedger.Amount(events: 1)
        var failed: Peer?
        if let full = ledger.charge(user, event) {
            statistics.quotaRefusals += 1
            let others = peers.values.filter { $0.credentials.uid == user && $0.unsent.count > peer.unsent.count }
            let worst = others.max { $0.unsent.count < $1.unsent.count } ?? peer
            logEnd(of: worst, full)
            ledger.release(user, QuotaLedger.Amount(events: worst.unsent.count))
            worst.unsent = []
            worst.isExpelled = true
            guard worst !== peer, ledger.charge(user, event) == nil else { return worst }
            failed = worst
        }
        if peer.unsent.isEmpty { try? poller.modify(peer.socket.raw, .writable, token: peer.socketToken) }
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

    /// Sends queued messages while the socket has room. When none is left, the peer's requests are read again.
    func sendRest(to peer: Peer) {
        var count = 0
        for bytes in peer.unsent {
            let error = bytes.withUnsafeBytes { SequencedPacketSocket.send($0, on: peer.socket.raw) }
            if error == .wouldBlock { break }
            if error != nil { return drop(peer) }
            count += 1
        }
        peer.unsent.removeFirst(count)
        ledger.release(peer.credentials.uid, QuotaLedger.Amount(events: count))
        if peer.unsent.isEmpty { try? poller.modify(peer.socket.raw, .readable, token: peer.socketToken) }
    }
}
