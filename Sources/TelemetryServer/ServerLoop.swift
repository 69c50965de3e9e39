import LinuxSystem
import Logging
import SystemPackage
import TelemetryWire

/// The server's thread: waits, accepts, answers.
///
/// One request a client and turn, so that a client which sends many at once waits like the others. Nothing here blocks
/// but the poller.
final class ServerLoop {
    let state: ServerState
    let logger: Logger
    let place: ListeningSocket
    let poller: Poller
    var cache = ReplyCache()
    /// Bytes that wait for clients to read them.
    var pendingBytes = 0
    /// A descriptor to give up when there are none left; see `refuseWaitingClient`.
    var reserve: EventDescriptor?
    /// When to listen again after `accept` failed for want of memory or descriptors.
    var listensAgain: MonotonicTime?
    /// What clients cause is said now and then only.
    var pauseLimiter = LogRateLimiter()
    var cutOffLimiter = LogRateLimiter()

    private let stopSignal: StopSignal
    private let requestBuffer = UnsafeMutableRawBufferPointer.allocate(
        byteCount: TelemetryRequest.maximumLength, alignment: 1)

    /// Tokens in the poller; clients have their slot plus `firstClient`.
    enum Token {
        static let stop: UInt64 = 0
        static let listener: UInt64 = 1
        static let firstClient: UInt64 = 2
    }

    /// Watches the socket at once, so that errors show where the server is started.
    init(
        place: consuming ListeningSocket, state: ServerState, stopSignal: StopSignal, logger: Logger
    ) throws(Errno) {
        self.state = state
        self.logger = logger
        self.stopSignal = stopSignal
        self.place = place
        poller = try Poller()
        reserve = try EventDescriptor()
        try poller.add(stopSignal.descriptor, .readable, token: Token.stop)
        try poller.add(self.place.raw, .readable, token: Token.listener)
    }

    deinit {
        requestBuffer.deallocate()
    }

    /// Serves until the stop signal. The socket and the clients go with the loop itself.
    func run() {
        withUnsafeTemporaryAllocation(of: Poller.Event.self, capacity: 64) { events in
            events.initialize(repeating: Poller.Event())
            while serve(events) {}
        }
        logger.info("telemetry stops", metadata: ["path": "\(place.path)"])
    }

    /// One turn; `false` when the server is to end.
    private func serve(_ events: UnsafeMutableBufferPointer<Poller.Event>) -> Bool {
        let count: Int
        do throws(Errno) {
            count = try poller.wait(into: events, milliseconds: listensAgain?.millisecondsLeft ?? -1)
        } catch {
            // Only when somebody closed the poller's descriptor behind our back: nothing can be served any more.
            logger.critical(
                "telemetry ends: cannot wait for clients", metadata: ["path": "\(place.path)", "error": "\(error)"])
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
            // The end, or an empty message, which DPDK takes for the end.
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
