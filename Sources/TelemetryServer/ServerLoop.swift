import LinuxSystem
import Logging
import SystemPackage
import TelemetryWire

/// The loop of the server's thread: waits, accepts, answers.
///
/// It answers one request per client and turn, so that a client with many requests does not delay the others. Only the
/// poller blocks.
final class ServerLoop {
    let state: ServerState
    let logger: Logger
    let listener: ListeningSocket
    let poller: Poller
    /// As ``ServerState``, not checked for exclusive access.
    @exclusivity(unchecked) var cache = ReplyCache()
    /// Bytes of all kept replies.
    var pendingBytes = 0
    /// A reserved descriptor; see `refuseWaitingClient`.
    var reserve: EventDescriptor?
    /// When to watch the socket again after `accept` failed because memory or descriptors were used up.
    var listensAgain: MonotonicTime?
    /// Limits the rate of messages that clients can cause.
    var pauseLimiter = LogRateLimiter()
    var cutOffLimiter = LogRateLimiter()
    var refusalLimiter = LogRateLimiter()
    var privilegeLog = PrivilegeLog()

    private let stopSignal: StopSignal
    private let requestBuffer = UnsafeMutableRawBufferPointer.allocate(
        byteCount: TelemetryRequest.maximumLength, alignment: 1)

    /// Poller tokens; a client's is its slot plus `firstClient`.
    enum Token {
        static let stop: UInt64 = 0
        static let listener: UInt64 = 1
        static let firstClient: UInt64 = 2
    }

    /// Watches the socket already, so that errors are thrown where the server is started.
    init(
        listener: consuming ListeningSocket, state: ServerState, stopSignal: StopSignal, logger: Logger
    ) throws(Errno) {
        self.state = state
        self.logger = logger
        self.stopSignal = stopSignal
        self.listener = listener
        poller = try Poller()
        reserve = try EventDescriptor()
        try poller.add(stopSignal.descriptor, .readable, token: Token.stop)
        try poller.add(self.listener.raw, .readable, token: Token.listener)
    }

    deinit {
        requestBuffer.deallocate()
    }

    /// Serves until the stop signal. The deinitializer removes the socket and closes the clients.
    func run() {
        withUnsafeTemporaryAllocation(of: Poller.Event.self, capacity: 64) { events in
            events.initialize(repeating: Poller.Event())
            while serve(events) {}
        }
        logger.info("telemetry server stopped", metadata: ["path": "\(listener.path)"])
    }

    /// One turn; returns `false` if the server has to end.
    private func serve(_ events: UnsafeMutableBufferPointer<Poller.Event>) -> Bool {
        let count: Int
        do throws(Errno) {
            count = try poller.wait(into: events, milliseconds: listensAgain?.millisecondsLeft ?? -1)
        } catch {
            // Happens only if other code in this process closed the poller's descriptor. The server cannot continue.
            logger.critical(
                "telemetry server stopped: cannot wait for clients",
                metadata: ["path": "\(listener.path)", "error": "\(error)"])
            return false
        }
        if let time = listensAgain, time <= .now { listen() }
        for event in events[..<count] {
            switch event.token {
            case Token.stop: return false
            case Token.listener: acceptClients()
            default: serveClient(in: Int(truncatingIfNeeded: event.token - Token.firstClient), event.events)
            }
        }
        return true
    }

    private func serveClient(in slot: Int, _ events: Poller.Events) {
        guard let client = state.clients[slot] else { return }
        if let reply = client.pending {
            if !events.isDisjoint(with: [.error, .hangUp]) { return close(slot) }
            flush(reply, to: client, in: slot)
            return
        }
        switch SequencedPacketSocket.receive(into: requestBuffer, on: client.socket.raw) {
        case .success(0):
            // End of file, or an empty message, which DPDK treats like the end of file.
            close(slot)
        case .success(let length):
            client.requestCount &+= 1
            let received = MonotonicTime.now
            let request = UnsafeRawBufferPointer(rebasing: requestBuffer[..<min(length, requestBuffer.count)])
            answer(request, length: length, of: client, in: slot)
            state.statistics.addServiceTime(MonotonicTime.now.nanoseconds(since: received))
        case .failure(.resourceTemporarilyUnavailable):
            return
        case .failure:
            close(slot)
        }
    }

    /// Ends the connection with a client.
    func close(_ slot: Int) {
        pendingBytes -= state.clients[slot]?.pending?.count ?? 0
        state.clients.remove(slot)
    }
}
