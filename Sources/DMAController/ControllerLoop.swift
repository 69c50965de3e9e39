internal import ControllerProtocol
internal import DMADev
internal import DMAEngine
internal import Glibc
internal import GroupTable
internal import LinuxSystem
internal import Logging
internal import SystemPackage

/// The control thread: connections, requests, and the resources of each peer. The engine has its own thread.
final class ControllerLoop {
    let configuration: ControllerConfiguration
    let engine: Engine
    let closer: DescriptorCloser
    let poller: Poller
    let place: ListeningSocket
    let shared: SharedStatistics
    let logger: Logger
    /// Maximum number of descriptors of one user that are not closed yet; beyond it, the user's connections are refused
    /// or ended.
    static let maximumBacklog = 1024
    private let stopEvent: StopEvent
    /// Limits log messages that untrusted peers cause.
    private var refusalLimiter = LogRateLimiter()
    private var turnAwayLimiter = LogRateLimiter()
    var unreadLimiter = LogRateLimiter()
    private let reports: ReportRequests
    var peers: [UInt64: Peer] = [:]
    var ledger: QuotaLedger
    var statistics = ControllerStatistics()
    private var nextPeer: UInt64 = 1
    /// Groups, members, windows and tokens.
    var groups: AccessGroupTable
    /// The addresses in this process of the windows of groups, by IOVA.
    var windowAddresses: [UInt64: UInt64] = [:]
    /// Work of disconnected peers, and their traffic to windows of members that still exist.
    var departedWork = Work(), departedTraffic: [UInt16: DomainTraffic] = [:]
    /// Delayed joins; see ``WaitingJoin``.
    var waitingJoins: [WaitingJoin] = []
    /// The next IOVA to assign, beyond every address that a process can have. Never assigned twice: an old address must
    /// never refer to another peer's memory.
    var nextIOVA: UInt64 = 1 << 57
    /// Closed for a moment when no descriptors are left, so that a new connection can be accepted and refused.
    private var spare: OwnedDescriptor?
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Packet.maximumLength, alignment: 16)

    private static let listenerToken: UInt64 = 0
    private static let stopToken: UInt64 = 1
    /// Tokens from 2 on belong to peers, whose numbers start at 1.
    private static let reportToken: UInt64 = .max

    init(
        place: consuming ListeningSocket, configuration: ControllerConfiguration, groups: AccessGroupTable,
        engine: Engine, stopEvent: StopEvent, reports: ReportRequests, shared: SharedStatistics, logger: Logger
    ) throws(Errno) {
        self.configuration = configuration
        self.logger = logger
        self.engine = engine
        self.stopEvent = stopEvent
        self.reports = reports
        self.shared = shared
        ledger = QuotaLedger(configuration.quota)
        self.groups = groups
        closer = DescriptorCloser()
        let poller = try Poller()
        try poller.add(place.raw, .readable, token: Self.listenerToken)
        try poller.add(stopEvent.event.raw, .readable, token: Self.stopToken)
        try poller.add(reports.event.raw, .readable, token: Self.reportToken)
        self.poller = poller
        self.place = place
        spare = try? MemoryFile.make(name: "spare", byteCount: 0)
    }

    deinit {
        buffer.deallocate()
    }

    /// Serves until the stop event; then disconnects all peers.
    func run() {
        var events = [Poller.Event](repeating: Poller.Event(), count: 64)
        var isStopping = false
        while !isStopping {
            let isBusy = peers.values.contains { $0.stopping != nil }
            let patience = performWaitingJoins()
            let count = events.withUnsafeMutableBufferPointer { buffer in
                (try? poller.wait(into: buffer, milliseconds: isBusy ? 0 : patience)) ?? 0
            }
            for event in events.prefix(count) {
                switch event.token {
                case Self.listenerToken: accept()
                case Self.stopToken: isStopping = true
                case Self.reportToken: reports.answer(report)
                default: handle(event)
                }
            }
            if isBusy { advanceStops() }
            publish()
        }
        for peer in Array(peers.values) {
            peer.isExpelled = true
            drop(peer)
        }
        publish()
        reports.close(report())
        logger.info("controller stopped", metadata: ["path": "\(place.path)"])
    }

    private func handle(_ event: Poller.Event) {
        // An earlier event of this round may have disconnected it.
        guard let peer = peers[event.token >> 1] else { return }
        if event.token == peer.processToken { return drop(peer) }
        if peer.unsent.isEmpty { receive(from: peer) } else { sendRest(to: peer) }
    }

    func publish() {
        statistics.connections = peers.count
        statistics.rings = peers.values.reduce(0) { $0 + $1.rings.count }
        statistics.windows = peers.values.reduce(0) { $0 + $1.windows.count + $1.openWindows.count }
        statistics.memoryBytes = ledger.byteCount
        let allGroups = groups.allGroups
        statistics.groups = allGroups.count
        statistics.members = allGroups.reduce(0) { $0 + $1.members.count }
        shared.statistics.withLock { $0 = statistics }
    }

    // MARK: Connections

    private func accept() {
        // At most 16 at a time, so that connected peers are served in between.
        for _ in 0..<16 {
            do throws(Errno) {
                let socket = try place.accept(nonblocking: true)
                try admit(socket)
            } catch {
                if error == .wouldBlock { return }
                statistics.refusedConnections += 1
                if let suppressed = turnAwayLimiter.admit() {
                    logger.warning(
                        "cannot accept a connection",
                        metadata: ["path": "\(place.path)", "error": "\(error)", "suppressed": "\(suppressed)"])
                }
                // Without free descriptors the connection stays in the queue, and the poller reports it forever.
                if error == .tooManyOpenFiles || error == .tooManyOpenFilesInSystem {
                    spare = nil
                    _ = try? place.accept(nonblocking: true)
                    spare = try? MemoryFile.make(name: "spare", byteCount: 0)
                }
            }
        }
    }

    private func admit(_ socket: consuming OwnedDescriptor) throws(Errno) {
        let credentials = try PeerCredentials(of: socket)
        let process = try ProcessDescriptor.ofPeer(socket)
        let socket = UntrustedPeerSocket(
            socket, place.refusesDescriptors ? .noDescriptors : .unexpectedDescriptors, of: credentials.uid, closer)
        guard peers.count < configuration.maximumConnections else {
            return turnAway(
                socket, credentials,
                "the controller already has its maximum of \(configuration.maximumConnections) connections")
        }
        guard closer.backlog(of: credentials.uid) <= Self.maximumBacklog else {
            return turnAway(socket, credentials, Self.backlogReason(credentials.uid))
        }
        if let full = ledger.charge(credentials.uid, QuotaLedger.Amount(connections: 1)) {
            statistics.quotaRefusals += 1
            return turnAway(socket, credentials, full)
        }
        do throws(Errno) {
            let peer = Peer(
                number: nextPeer, socket: socket, process: process,
                credentials: credentials, processNumber: processNumber(credentials.pid))
            nextPeer += 1
            try poller.add(peer.process.raw, .readable, token: peer.processToken)
            try poller.add(peer.socket.raw, .readable, token: peer.socketToken)
            peers[peer.number] = peer
            statistics.accepted += 1
            logger.debug("an application connected", metadata: Self.metadata(of: peer))
        } catch {
            ledger.release(credentials.uid, QuotaLedger.Amount(connections: 1))
            throw error
        }
    }

    /// The number of a process: that of its first open connection. Peers whose process has ended are dropped first: the
    /// system may have reused the process ID.
    private func processNumber(_ pid: Int32) -> UInt64 {
        for peer in peers.values where peer.credentials.pid == pid && peer.hasEnded { drop(peer) }
        return peers.values.first { $0.credentials.pid == pid && pid != 0 }?.client.process ?? nextPeer
    }

    private static func backlogReason(_ user: UInt32) -> String {
        "more than \(maximumBacklog) descriptors from user \(user) are not closed yet; try again later"
    }

    private func turnAway(_ socket: UntrustedPeerSocket, _ credentials: PeerCredentials, _ reason: String) {
        statistics.refusedConnections += 1
        if let suppressed = turnAwayLimiter.admit() {
            logger.notice(
                "refused the connection of an application",
                metadata: [
                    "pid": "\(credentials.pid)", "uid": "\(credentials.uid)", "reason": "\(reason)",
                    "suppressed": "\(suppressed)",
                ])
        }
        let bytes = Packet.encode(Failed(errno: Errno.diskQuotaExceeded.rawValue, reason: reason), sequence: 0)
        // Best effort: an error is ignored.
        _ = bytes.withUnsafeBytes { SequencedPacketSocket.send($0, on: socket.raw) }
    }

    /// Disconnects a peer and releases its resources: when this returns, the engine accesses none of them.
    func drop(_ peer: Peer) {
        guard peers.removeValue(forKey: peer.number) != nil else { return }
        for ring in peer.rings.values {
            ring.ring.detach()
            ring.ring.abortRest()
            keepCounts(of: ring, for: peer)
            ledger.release(peer.credentials.uid, ring.amount)
            ring.handlers.forEach { groups.release($0) }
        }
        peer.rings = [:]
        keepCounts(of: peer)
        departGroups(peer)
        if let device = peer.device { engine.unwatch(device.bell.event.raw) }
        for window in peer.windows.values { ledger.release(peer.credentials.uid, window.amount) }
        for window in peer.openWindows.values { ledger.release(peer.credentials.uid, window.amount) }
        closer.release((Array(peer.windows.values) + peer.openWindows.values).map(\.mapping))
        peer.windows = [:]
        peer.openWindows = [:]
        ledger.release(peer.credentials.uid, QuotaLedger.Amount(connections: 1, events: peer.unsent.count))
        peer.unsent = []
        // The last reference to the peer closes both; events of the socket's copies elsewhere must not be reported.
        // Shut down now, so that the application sees the end: closing may be slow.
        _ = Glibc.shutdown(peer.socket.raw, CInt(SHUT_RDWR))
        try? poller.remove(peer.socket.raw)
        try? poller.remove(peer.process.raw)
        statistics.closed += 1
        logger.debug("an application disconnected", metadata: Self.metadata(of: peer))
    }

    /// Identifies the peer in log messages. Never add what a peer sent: it may contain a token.
    static func metadata(of peer: Peer) -> Logger.Metadata {
        ["pid": "\(peer.credentials.pid)", "uid": "\(peer.credentials.uid)", "connection": "\(peer.number)"]
    }

    // MARK: Messages

    private func receive(from peer: Peer) {
        let message: ReceivedMessage
        do throws(Errno) {
            // The maximum: the kernel would close further ones in this thread, which can block for as long as the peer
            // chooses.
            message = try SequencedPacketSocket.receive(
                into: buffer, descriptorLimit: SequencedPacketSocket.maximumDescriptorCount, on: peer.socket.raw)
        } catch {
            if error != .wouldBlock { drop(peer) }
            return
        }
        let (length, isCut) = (message.byteCount, message.lostDescriptors)
        var descriptors = message.descriptors
        // The closer closes the descriptors that no request has taken.
        defer {
            closer.close(descriptors.release(), of: peer.credentials.uid)
            if peers[peer.number] != nil, closer.backlog(of: peer.credentials.uid) > Self.maximumBacklog {
                refuse(peer, Self.backlogReason(peer.credentials.uid))
            }
        }
        let bytes = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(length))
        // Any message may contain a token, also an invalid one.
        defer { RandomBytes.wipe(bytes) }
        guard length > 0 else { return drop(peer) }
        guard length <= buffer.count, !isCut else {
            return refuse(
                peer, "a message of \(length) bytes; the maximum is \(buffer.count)")
        }
        do throws(WireError) {
            try handle(UnsafeRawBufferPointer(bytes), &descriptors, from: peer)
        } catch {
            refuse(peer, error.description)
        }
    }

    /// Ends a connection because of a message that violates the protocol.
    private func refuse(_ peer: Peer, _ reason: String) {
        statistics.invalidMessages += 1
        if let suppressed = refusalLimiter.admit() {
            logger.notice(
                "ended a connection that violates the protocol",
                metadata: Self.metadata(of: peer).merging(["reason": "\(reason)", "suppressed": "\(suppressed)"]) { $1 }
            )
        }
        peer.isExpelled = true
        answer(peer, Failed(errno: Errno.protocolError.rawValue, reason: reason), sequence: 0)
        drop(peer)
    }

    /// Answers a request; disconnects the peer that ``send(_:_:to:)`` returns.
    func answer(_ peer: Peer, _ message: some WireMessage, sequence: UInt32, descriptors: [CInt] = []) {
        if let failed = send(Packet.encode(message, sequence: sequence), descriptors, to: peer) { drop(failed) }
    }
}
