import LinuxSystem
import Logging
import SystemPackage
import TelemetryWire

/// Taking clients in. No error of `accept` ends the server, and none makes it spin.
extension ServerLoop {
    /// So many at a time; the poller reports the rest again, after the clients that are there had their turn.
    private static let acceptedPerTurn = 64

    /// Takes in the clients that wait.
    func acceptClients() {
        for _ in 0..<Self.acceptedPerTurn {
            do throws(Errno) {
                try welcome(place.accept(nonblocking: true))
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
                // The client that waited is gone, or could not be taken: the next one may do better.
                default: continue
                }
            }
        }
    }

    /// Listens again after a pause.
    func listen() {
        listensAgain = nil
        do throws(Errno) {
            try poller.modify(place.raw, .readable, token: Token.listener)
        } catch {
            pause(after: error)
        }
    }

    /// Greets a new client and watches it.
    private func welcome(_ socket: consuming OwnedDescriptor) throws(Errno) {
        guard state.clients.count < state.configuration.maximumClients else {
            state.statistics.refusals &+= 1
            return
        }
        try ensureSendBuffer(of: socket)
        let client = ClientConnection(socket: socket)
        // A new socket has room for it; one that has not is gone already, and the poller will say so.
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

    /// Makes the longest reply fit into one packet, where the system's default is smaller than usual.
    private func ensureSendBuffer(of socket: borrowing OwnedDescriptor) throws(Errno) {
        let needed = TelemetryServer.maximumOutputLength + 4096
        guard try SequencedPacketSocket.sendBufferSize(socket) < needed else { return }
        try SequencedPacketSocket.setSendBufferSize(socket, needed)
    }

    /// Raises the soft limit of descriptors, if that is allowed and helps.
    private func makeRoom(after error: Errno) -> Bool {
        guard error == .tooManyOpenFiles, state.configuration.raisesDescriptorLimit else { return false }
        return DescriptorLimit.raise(to: max(DescriptorLimit.current * 2, 1024))
    }

    /// Without descriptors a waiting client can neither be served nor turned away, and the poller reports it for ever.
    /// The descriptor kept in reserve lets it in for a moment, to close the connection.
    ///
    /// Gives the error when that fails: EAGAIN when nobody waits, which `accept` does not say without a descriptor.
    private func refuseWaitingClient() -> Errno? {
        guard reserve != nil else {
            reserve = try? EventDescriptor()
            return .tooManyOpenFiles
        }
        reserve = nil
        defer { reserve = try? EventDescriptor() }
        do throws(Errno) {
            _ = try place.accept()
            state.statistics.refusals &+= 1
            return nil
        } catch {
            return error
        }
    }

    /// Does not listen for a moment. Clients wait in the backlog meanwhile; those connected are served.
    private func pause(after error: Errno) {
        if let suppressed = pauseLimiter.admit() {
            logger.warning(
                "no new telemetry clients for 100 ms",
                metadata: [
                    "path": "\(place.path)", "error": "\(error)", "clients": "\(state.clients.count)",
                    "suppressed": "\(suppressed)",
                ])
        }
        listensAgain = MonotonicTime.now.advanced(by: .milliseconds(100))
        try? poller.modify(place.raw, [], token: Token.listener)
    }
}
