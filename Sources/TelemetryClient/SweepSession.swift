import LinuxSystem
import SystemPackage
import TelemetryWire

/// One server in a sweep: a connection that never blocks.
final class SweepSession {
    private enum State {
        case connecting
        case greeting
        /// The request waits for room in the send buffer.
        case sending(String)
        case receiving(String)
        case done(TelemetryClientError?)
    }

    private let path: String
    private let conversation: any TelemetryConversation
    private let sweep: TelemetrySweep
    private var state = State.connecting
    private var socket: OwnedDescriptor?
    private var peer: PeerCredentials?
    private var received = 0
    private var started = MonotonicTime.now
    private var ended = MonotonicTime.now
    private(set) var deadline = MonotonicTime.now

    init(_ path: String, _ conversation: any TelemetryConversation, _ sweep: TelemetrySweep) {
        self.path = path
        self.conversation = conversation
        self.sweep = sweep
    }

    var isDone: Bool { if case .done = state { true } else { false } }
    var isConnecting: Bool { if case .connecting = state { true } else { false } }

    var outcome: TelemetrySweep.Outcome {
        var failure: TelemetryClientError?
        if case .done(let error) = state { failure = error }
        return TelemetrySweep.Outcome(failure: failure, nanoseconds: ended.nanoseconds(since: started), peer: peer)
    }

    func start(_ poller: borrowing Poller, token: UInt64, timeout: Duration) {
        started = .now
        deadline = started.advanced(by: timeout)
        connect(poller, token: token)
    }

    /// Connects. If the server's backlog is full, the state stays `connecting`.
    func connect(_ poller: borrowing Poller, token: UInt64) {
        guard path.utf8.count <= SequencedPacketSocket.maximumPathLength, !path.utf8.contains(0) else {
            end(TelemetryClientError(.tooLong, "\(path) is too long for the path of a socket", errno: .fileNameTooLong))
            return
        }
        do throws(Errno) {
            let socket = try SequencedPacketSocket.open(nonblocking: true)
            try SequencedPacketSocket.connect(socket, to: path)
            let peer = try PeerCredentials(of: socket)
            self.peer = peer
            if let refusal = sweep.trust.refusal(of: peer, at: path) { return end(refusal) }
            try poller.add(socket.raw, .readable, token: token)
            self.socket = consume socket
            state = .greeting
        } catch {
            if error != .resourceTemporarilyUnavailable { end(.system(error, "cannot connect to \(path)")) }
        }
    }

    /// Ends the session because its deadline has passed.
    func expire() {
        if !isDone { end(TelemetryClientError(.timedOut, "\(path) did not answer in time", errno: .timedOut)) }
    }

    /// Handles an event of the socket.
    func proceed(_ poller: borrowing Poller, token: UInt64, buffer: UnsafeMutableRawBufferPointer) {
        // An earlier event of the same batch has ended the connection.
        guard let descriptor else { return }
        do throws(TelemetryClientError) {
            if case .sending(let request) = state {
                try send(request, descriptor, poller, token)
                return
            }
            guard let message = try receive(into: buffer, from: descriptor) else { return }
            switch state {
            case .greeting:
                guard let greeting = TelemetryGreeting(message), let peer else {
                    throw TelemetryClientError(
                        .notTelemetry, "\(path) does not send the greeting of a telemetry server")
                }
                conversation.begin(greeting, peer: peer)
            case .receiving(let request):
                try conversation.take(value(of: message, to: request), to: request)
            case .connecting, .sending, .done:
                return
            }
            guard let request = conversation.nextRequest() else { return end(nil) }
            try send(request, descriptor, poller, token)
        } catch {
            end(error)
        }
    }

    private func send(
        _ request: String, _ descriptor: CInt, _ poller: borrowing Poller, _ token: UInt64
    ) throws(TelemetryClientError) {
        guard !request.isEmpty, !request.utf8.contains(0), request.utf8.count <= TelemetryRequest.maximumLength else {
            throw TelemetryClientError(
                .invalidArgument,
                "a request has 1 to \(TelemetryRequest.maximumLength) bytes and no NUL")
        }
        let wasWaiting = if case .sending = state { true } else { false }
        var text = request
        let error = text.withUTF8 { SequencedPacketSocket.send(UnsafeRawBufferPointer($0), on: descriptor) }
        do throws(Errno) {
            switch error {
            case nil:
                state = .receiving(request)
                if wasWaiting { try poller.modify(descriptor, .readable, token: token) }
            case .resourceTemporarilyUnavailable?:
                state = .sending(request)
                if !wasWaiting { try poller.modify(descriptor, .writable, token: token) }
            case let error?:
                throw error
            }
        } catch {
            throw .system(error, "cannot send to \(path)")
        }
    }

    /// The next message; `nil` if there is none yet.
    private func receive(
        into buffer: UnsafeMutableRawBufferPointer, from descriptor: CInt
    ) throws(TelemetryClientError) -> UnsafeRawBufferPointer? {
        switch SequencedPacketSocket.receive(into: buffer, on: descriptor) {
        case .success(0):
            throw TelemetryClientError(.disconnected, "\(path) closed the connection")
        case .success(let length):
            received += length
            guard length <= sweep.maximumReplyLength, received <= sweep.maximumLength else {
                throw TelemetryClientError(
                    .tooLong,
                    "\(path) sent too much: at most \(sweep.maximumReplyLength) bytes per reply and "
                        + "\(sweep.maximumLength) in total are accepted")
            }
            return UnsafeRawBufferPointer(rebasing: buffer[..<length])
        case .failure(.resourceTemporarilyUnavailable):
            return nil
        case .failure(let error):
            throw .system(error, "cannot read from \(path)")
        }
    }

    /// The value in a reply under the request's key. Anything else is an error: a faulty server may send unrequested
    /// messages.
    private func value(
        of message: UnsafeRawBufferPointer, to request: String
    ) throws(TelemetryClientError) -> JSONTree {
        do throws(JSONParseError) {
            let members = try JSONValue(parsing: message).tree.members
            if members.count == 1, members[0].name == TelemetryRequest(request).key { return members[0].value }
        } catch {
            throw TelemetryClientError(.invalidJSON, "the reply of \(path) to \(request) is \(error)")
        }
        throw TelemetryClientError(
            .invalidJSON, "the reply of \(path) to \(request) is not one object with the command as its only member")
    }

    private var descriptor: CInt? {
        switch socket {
        case .some(let socket): socket.raw
        case .none: nil
        }
    }

    private func end(_ error: TelemetryClientError?) {
        ended = .now
        state = .done(error)
        socket = nil
    }
}
