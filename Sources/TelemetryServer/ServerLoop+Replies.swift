import LinuxSystem
import Logging
import SystemPackage
import TelemetryWire

/// Handling a request and sending its reply.
extension ServerLoop {
    /// Answers a request of `length` bytes; `request` has the first of them, if it did not fit into the buffer.
    func answer(_ request: UnsafeRawBufferPointer, length: Int, of client: ClientConnection, in slot: Int) {
        state.statistics.requests &+= 1
        do throws(TelemetryCommandError) {
            if length <= request.count, let reply = cache.reply(to: request) {
                state.statistics.cached &+= 1
                return try reply.withText { send($0, to: client, in: slot) }
            }
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
        guard let index = state.table.index(of: request.command) else {
            throw TelemetryCommandError("unknown command; / lists all commands")
        }
        let command = state.table.commands[index]
        if command.right != .read { try usePrivilege(of: command, client) }
        // Read before the handler runs: a change during the handler then invalidates the cached reply.
        let generation = command.generation?()
        if let refresh = command.refresh, let generation, let currentGeneration = command.generation {
            let reply = RefreshedReply(key: request.key, refresh: try refresh(request))
            try reply.withText { send($0, to: client, in: slot) }
            return cache.keep(
                ReplyCache.Reply(reply), to: bytes, generation: generation, currentGeneration: currentGeneration)
        }
        let answer = reply(try command.handler(state, request), under: request.key)
        try answer.withText { (text) throws(TelemetryCommandError) in
            guard text.count <= TelemetryServer.maximumOutputLength else {
                throw TelemetryCommandError(
                    "the reply has \(text.count) bytes; at most \(TelemetryServer.maximumOutputLength) are allowed")
            }
            if let generation, let currentGeneration = command.generation {
                cache.keep(
                    ReplyCache.Reply(text), to: bytes, generation: generation, currentGeneration: currentGeneration)
            }
            send(text, to: client, in: slot)
        }
    }

    private func reply(_ value: consuming JSONValue, under key: String) -> JSONValue {
        var object = JSONValue.object()
        object.set(name: key, value)
        return object
    }

    /// Sends a reply. If the client's buffer is full, keeps the reply for later, or disconnects the client if too many
    /// bytes are kept already.
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
                    "disconnected a client that does not read its replies",
                    metadata: [
                        "pid": "\(client.peer.pid)", "uid": "\(client.peer.uid)", "suppressed": "\(suppressed)",
                    ])
            }
            close(slot)
        default:
            close(slot)
        }
    }

    /// Tries again to send a kept reply.
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
