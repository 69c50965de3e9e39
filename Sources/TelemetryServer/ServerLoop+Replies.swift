import LinuxSystem
import Logging
import SystemPackage
import TelemetryWire

/// From a request to its reply on the wire.
extension ServerLoop {
    /// Answers a request, of which `request` holds the first bytes and which had `length` of them.
    func answer(_ request: UnsafeRawBufferPointer, length: Int, of client: ClientConnection, in slot: Int) {
        state.statistics.requests &+= 1
        if length <= request.count, let reply = cache.reply(to: request) {
            state.statistics.cached &+= 1
            reply.withUnsafeBytes { send($0, to: client, in: slot) }
            return
        }
        do throws(TelemetryCommandError) {
            guard length <= request.count else {
                throw TelemetryCommandError(
                    "the request has \(length) bytes; at most \(TelemetryRequest.maximumLength) are allowed")
            }
            try run(request, for: client, in: slot)
        } catch {
            state.statistics.errors &+= 1
            state.errors.append(request: request, reason: error.reason)
            reply(JSONValue(), under: TelemetryRequest(request).key).withText { send($0, to: client, in: slot) }
        }
    }

    private func run(
        _ bytes: UnsafeRawBufferPointer, for client: ClientConnection, in slot: Int
    ) throws(TelemetryCommandError) {
        let request = TelemetryRequest(bytes)
        guard let place = state.table.place(of: request.command) else {
            throw TelemetryCommandError("there is no such command; / lists all commands")
        }
        let command = state.table.commands[place]
        // Before the handler: a change while it runs then makes the kept reply old, not wrong.
        let generation = command.generation?()
        let answer = reply(try command.handler(state, request), under: request.key)
        try answer.withText { (text) throws(TelemetryCommandError) in
            guard text.count <= TelemetryServer.maximumOutputLength else {
                throw TelemetryCommandError(
                    "the reply has \(text.count) bytes; at most \(TelemetryServer.maximumOutputLength) are allowed")
            }
            if let generation, let currentGeneration = command.generation {
                cache.keep(text, to: bytes, generation: generation, currentGeneration: currentGeneration)
            }
            send(text, to: client, in: slot)
        }
    }

    private func reply(_ value: consuming JSONValue, under key: String) -> JSONValue {
        var object = JSONValue.object()
        object.set(name: key, value)
        return object
    }

    /// Sends a reply, keeps it until the client makes room, or cuts the client off.
    private func send(_ text: UnsafeRawBufferPointer, to client: ClientConnection, in slot: Int) {
        switch SequencedPacketSocket.send(text, on: client.socket.raw) {
        case nil:
            return
        case .resourceTemporarilyUnavailable? where pendingBytes + text.count <= state.configuration.maximumPendingBytes:
            client.pending = Array(text)
            pendingBytes += text.count
            watch(client, in: slot, for: .writable)
        case .resourceTemporarilyUnavailable?:
            state.statistics.dropped &+= 1
            if let suppressed = cutOffLimiter.admit() {
                logger.notice(
                    "cut off a client that does not read",
                    metadata: [
                        "pid": "\(client.peer?.pid ?? -1)", "uid": "\(client.peer.map { Int64($0.uid) } ?? -1)",
                        "suppressed": "\(suppressed)",
                    ])
            }
            close(slot)
        default:
            close(slot)
        }
    }

    /// Tries again to send a reply that was kept.
    func flush(_ reply: [UInt8], to client: ClientConnection, in slot: Int) {
        switch reply.withUnsafeBytes({ SequencedPacketSocket.send($0, on: client.socket.raw) }) {
        case nil:
            client.pending = nil
            pendingBytes -= reply.count
            watch(client, in: slot, for: .readable)
        case .resourceTemporarilyUnavailable?:
            return
        default:
            close(slot)
        }
    }

    private func watch(_ client: ClientConnection, in slot: Int, for events: Poller.Events) {
        do throws(Errno) {
            try poller.modify(client.socket.raw, events, token: Token.firstClient + UInt64(slot))
        } catch {
            close(slot)
        }
    }
}
