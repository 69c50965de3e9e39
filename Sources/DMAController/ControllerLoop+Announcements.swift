internal import ControllerProtocol
internal import DMAEngine
internal import SystemPackage

/// Applications that wait for completions without polling. The engine announces a watched ring once, and the application
/// gets one notice.
///
/// A ring has at most one watch, and at most one notice that is not sent: what an application requests costs no more than
/// its rings. The engine never waits for this thread, nor this thread for an application.
extension ControllerLoop {
    func watch(_ peer: Peer, _ request: WatchRing, _ sequence: UInt32) -> Refusal? {
        let name = RingAnnouncements.Ring(connection: peer.number, vchan: request.vchan)
        guard let ring = peer.rings[request.vchan]?.ring,
            engine.watch(ring, until: request.target, announcingTo: announcements, as: name)
        else {
            return Refusal(.invalidArgument, "virtual channel \(request.vchan): there is no started ring")
        }
        peer.receivesEvents = true
        answer(peer, Done(), sequence: sequence)
        return nil
    }

    /// Queues the notices of what the engine has announced.
    func takeAnnouncements() {
        for ring in announcements.take() {
            // It may have been disconnected meanwhile, or have stopped its rings.
            guard let peer = peers[ring.connection], peer.rings[ring.vchan] != nil else { continue }
            peer.announced.insert(ring.vchan)
            queueNotices(to: peer)
        }
    }

    /// Queues the notices of a peer. While its socket is full, they stay where a later one of the same ring adds nothing.
    func queueNotices(to peer: Peer) {
        guard !peer.hasQueuedNotices, !peer.announced.isEmpty, peer.unsent.isEmpty else { return }
        peer.hasQueuedNotices = true
        queue.add(.announce(peer.number), for: peer.tenant)
    }

    func sendNotices(to peer: Peer) {
        peer.hasQueuedNotices = false
        while peers[peer.number] != nil, peer.unsent.isEmpty, let vchan = peer.announced.popFirst() {
            let notice = Packet.encode(RingPublished(vchan: vchan), sequence: 0)
            if let failed = send(notice, to: peer) { drop(failed) }
        }
    }
}
