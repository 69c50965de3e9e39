import LinuxSystem
import SystemPackage
import TelemetryWire

/// One server in a sweep: a connection that never blocks.
final class SweepSession {
    private enum State {
        case connecting
        case greeting
        case asking
        case done(TelemetryClientError?)
    }

    /// The most requests that a server has at a time. It answers them one after the other.
    private static let maximumOutstanding = 16

    private let path: String
    private let conversation: any TelemetryConversation
    private let sweep: TelemetrySweep
    private let totals: SweepTotals
    private var state = State.connecting
    private var socket: OwnedDescriptor?
    private var peer: PeerCredentials?
    private var replyLimit = TelemetryGreeting.maximumLength
    /// The requests that the server has not answered, the oldest first.
    private var outstanding: [String] = []
    /// A request that waits for room in the send buffer.
    private var unsent: String?
    /// The bytes of all its messages.
    private(set) var received = 0
    /// By the clock of `totals`.
    private var started = MonotonicTime(nanoseconds: 0)
    /// The time for its messages, in nanoseconds.
    private var processing: UInt64 = 0
    private var nanoseconds: UInt64 = 0
    /// By the clock of `totals`.
    private(set) var deadline = MonotonicTime(nanoseconds: 0)

    init(_ path: String, _ conversation: any TelemetryConversation, _ sweep: TelemetrySweep, _ totals: SweepTotals) {
        self.path = path
        self.conversation = conversation
        self.sweep = sweep
        self.totals = totals
    }

    var isDone: Bool { if case .done = state { true } else { false } }
    var isConnecting: Bool { if case .connecting = state { true } else { false } }

    var outcome: TelemetrySweep.Outcome {
        var failure: TelemetryClientError?
        if case .done(let error) = state { failure = error }
        return TelemetrySweep.Outcome(failure: failure, nanoseconds: nanoseconds, peer: peer)
    }

    func start(_ poller: borrowing Poller, token: UInt64) {
        started = totals.now
        deadline = started.advanced(by: sweep.timeout)
        connect(poller, token: token)
    }

    /// Connects. If the server's backlog is full, the state stays `connecting`.
    func connect(_ poller: borrowing Poller, token: UInt64) {
        guard !path.utf8.contains(0) else {
            return end(TelemetryClientError(.invalidArgument, "a path must not contain NUL"))
        }
        do throws(Errno) {
            let socket = try makeSocket()
            let peer = try PeerCredentials(of: socket)
            self.peer = peer
            if let refusal = sweep.trust.refusal(of: peer, at: path) { return end(refusal) }
            try poller.add(socket.raw, .readable, token: token)
            self.socket = consume socket
            state = .greeting
        } catch {
            if error != .resourceTemporarilyUnavailable { end(.connecting(to: path, error)) }
        }
    }

    private func makeSocket() throws(Errno) -> OwnedDescriptor {
        if let connector = sweep.connector { return try connector.connect(to: path) }
        let socket = try SequencedPacketSocket.open(nonblocking: true)
        try SequencedPacketSocket.connect(socket, to: path)
        return socket
    }

    /// Ends the session because its deadline has passed.
    func expire() {
        guard !isDone else { return }
        let fault =
            Duration.nanoseconds(processing) > sweep.timeout / 2
            ? "takes too long: its replies need more time than a source has" : "did not answer in time"
        end(TelemetryClientError(.timedOut, "\(path) \(fault)", errno: .timedOut))
    }

    /// Handles an event of the socket. The time counts for this session, and not for the others.
    func proceed(
        _ poller: borrowing Poller, token: UInt64, buffer: UnsafeMutableRawBufferPointer, _ parser: JSONParser
    ) {
        let duration = totals.measuring { handleEvent(poller, token: token, buffer: buffer, parser) }
        processing += duration
        deadline = MonotonicTime(nanoseconds: deadline.nanoseconds - min(duration, deadline.nanoseconds))
    }

    private func handleEvent(
        _ poller: borrowing Poller, token: UInt64, buffer: UnsafeMutableRawBufferPointer, _ parser: JSONParser
    ) {
        // An earlier event of the same batch has ended the connection.
        guard let descriptor else { return }
        do throws(TelemetryClientError) {
            if let request = unsent { try send(request, descriptor, poller, token) }
            if let message = try receive(into: buffer, from: descriptor) { try take(message, parser) }
            if case .asking = state { try ask(descriptor, poller, token) }
        } catch {
            end(error)
        }
    }

    private func take(_ message: UnsafeRawBufferPointer, _ parser: JSONParser) throws(TelemetryClientError) {
        switch state {
        case .greeting:
            guard let greeting = TelemetryGreeting(message), let peer else {
                throw TelemetryClientError(.notTelemetry, "\(path) does not send the greeting of a telemetry server")
            }
            replyLimit = min(greeting.maximumReplyLength, sweep.maximumReplyLength)
            state = .asking
            conversation.begin(greeting, peer: peer)
        case .asking:
            guard let request = outstanding.first else {
                throw TelemetryClientError(.invalidJSON, "\(path) sends a message without a request")
            }
            outstanding.removeFirst()
            try conversation.take(value(of: message, to: request, parser), to: request)
        case .connecting, .done:
            return
        }
    }

    /// Sends requests until the server has enough, or its socket, or ends the session if there are no more.
    private func ask(_ descriptor: CInt, _ poller: borrowing Poller, _ token: UInt64) throws(TelemetryClientError) {
        while unsent == nil, outstanding.count < Self.maximumOutstanding, let request = conversation.nextRequest() {
            try send(request, descriptor, poller, token)
        }
        if outstanding.isEmpty, unsent == nil { end(nil) }
    }

    /// Sends a request. Without room for it, it becomes `unsent`.
    private func send(
        _ request: String, _ descriptor: CInt, _ poller: borrowing Poller, _ token: UInt64
    ) throws(TelemetryClientError) {
        guard !request.isEmpty, !request.utf8.contains(0), request.utf8.count <= TelemetryRequest.maximumLength else {
            throw TelemetryClientError(
                .invalidArgument,
                "a request has 1 to \(TelemetryRequest.maximumLength) bytes and no NUL")
        }
        let wasWaiting = unsent != nil
        var text = request
        let error = text.withUTF8 { SequencedPacketSocket.send(UnsafeRawBufferPointer($0), on: descriptor) }
        do throws(Errno) {
            switch error {
            case nil:
                outstanding.append(request)
                unsent = nil
                if wasWaiting { try poller.modify(descriptor, .readable, token: token) }
            case .resourceTemporarilyUnavailable?:
                unsent = request
                if !wasWaiting { try poller.modify(descriptor, [.readable, .writable], token: token) }
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
            guard length <= replyLimit, received <= sweep.maximumLength else {
                throw TelemetryClientError(
                    .tooLong,
                    "\(path) sent too much: at most \(replyLimit) bytes in a message and \(sweep.maximumLength) in "
                        + "total are accepted")
            }
            guard totals.add(length, ofSourceWith: received) else {
                throw TelemetryClientError(
                    .tooLong,
                    "\(path) sent more than its share: at most \(sweep.maximumTotalLength) bytes of all sources together "
                        + "are accepted")
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
        of message: UnsafeRawBufferPointer, to request: String, _ parser: JSONParser
    ) throws(TelemetryClientError) -> JSONTree {
        do throws(JSONParseError) {
            let members = try parser.parseTree(message).members
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
        nanoseconds = processing + totals.now.nanoseconds(since: started)
        state = .done(error)
        socket = nil
    }
}
