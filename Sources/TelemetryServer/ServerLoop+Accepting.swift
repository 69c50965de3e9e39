import LinuxSystem
import Logging
import SystemPackage
import TelemetryWire

/// Accepting clients. No error of `accept` ends the server or makes it spin.
extension ServerLoop {
    /// Clients accepted in one turn. The poller reports the others again, after the connected clients were served.
    private static let acceptedPerTurn = 64

    /// Accepts waiting clients.
    func acceptClients() {
        for _ in 0..<Self.acceptedPerTurn {
            do throws(Errno) {
                try greet(listener.accept(nonblocking: true))
            } catch {
                switch error {
                case .resourceTemporarilyUnavailable: return
                case .tooManyOpenFiles, .tooManyOpenFilesInSystem:
                    if makeRoom(after: error) { continue }
                    switch refuseWaitingClient() {
                    case nil: continue
                    case .resourceTemporarilyUnavailable?: return
                    default: return pause(after: error)
                    }
                case .noMemory, .noBufferSpace: return pause(after: error)
                // The client has disconnected or could not be accepted: try the next one.
                default: continue
                }
            }
        }
    }

    /// Watches the socket again after a pause.
    func listen() {
        listensAgain = nil
        do throws(Errno) {
            try poller.modify(listener.raw, .readable, token: Token.listener)
        } catch {
            pause(after: error)
        }
    }

    /// Sends the greeting to a new client and watches it.
    private func greet(_ socket: consuming OwnedDescriptor) throws(Errno) {
        guard state.clients.count < state.configuration.maximumClients else {
            state.statistics.refusals &+= 1
            return
        }
        let peer = try PeerCredentials(of: socket)
        let groups = state.access.hasGroups ? try PeerCredentials.supplementaryGroups(of: socket) : []
        guard let right = state.access.right(of: peer, groups: groups) else { return refuse(peer) }
        try ensureSendBuffer(of: socket)
        let client = ClientConnection(socket: socket, peer: peer, right: right)
        // A new socket has room for it. If it fails, the client has disconnected; the poller reports that.
        state.greeting.withText { _ = SequencedPacketSocket.send($0, on: client.socket.raw) }
        let slot = state.clients.insert(client)
        do throws(Errno) {
            try poller.add(client.socket.raw, .readable, token: Token.firstClient + UInt64(slot))
        } catch {
            state.clients.remove(slot)
            throw error
        }
        state.statistics.accepted &+= 1
    }

    /// Closes the connection of a user without a right: without a greeting, so that no client waits for more.
    private func refuse(_ peer: PeerCredentials) {
        state.statistics.refusals &+= 1
        guard let suppressed = refusalLimiter.admit() else { return }
        logger.notice(
            "refused a telemetry client: its user has no right here",
            metadata: [
                "pid": "\(peer.pid)", "uid": "\(peer.uid)", "gid": "\(peer.gid)", "suppressed": "\(suppressed)",
            ])
    }

    /// Enlarges the send buffer if it is smaller than the longest reply, which is sent as one packet.
    private func ensureSendBuffer(of socket: borrowing OwnedDescriptor) throws(Errno) {
        let needed = TelemetryServer.maximumOutputLength + 4096
        guard try SequencedPacketSocket.sendBufferSize(socket) < needed else { return }
        try SequencedPacketSocket.setSendBufferSize(socket, needed)
    }

    /// Raises the soft limit of descriptors if that is allowed; returns whether it helped.
    private func makeRoom(after error: Errno) -> Bool {
        guard error == .tooManyOpenFiles, state.configuration.raisesDescriptorLimit else { return false }
        return DescriptorLimit.raise(to: max(DescriptorLimit.current * 2, 1024))
    }

    /// Without a free descriptor a waiting client can be neither accepted nor refused, and the poller reports it again
    /// and again. The reserved descriptor is used to accept it and close the connection.
    ///
    /// Returns the error if that fails: EAGAIN if no client waits, which `accept` does not report without a descriptor.
    private func refuseWaitingClient() -> Errno? {
        guard reserve != nil else {
            reserve = try? EventDescriptor()
            return .tooManyOpenFiles
        }
        reserve = nil
        defer { reserve = try? EventDescriptor() }
        do throws(Errno) {
            _ = try listener.accept()
            state.statistics.refusals &+= 1
            return nil
        } catch {
            return error
        }
    }

    /// Stops watching the socket for 100 ms. New clients wait in the backlog; connected ones are served.
    private func pause(after error: Errno) {
        if let suppressed = pauseLimiter.admit() {
            logger.warning(
                "not accepting telemetry clients for 100 ms",
                metadata: [
                    "path": "\(listener.path)", "error": "\(error)", "clients": "\(state.clients.count)",
                    "suppressed": "\(suppressed)",
                ])
        }
        listensAgain = MonotonicTime.now.advanced(by: .milliseconds(100))
        try? poller.modify(listener.raw, [], token: Token.listener)
    }
}
