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
    let blockingCalls: BlockingCalls
    var memory: TenantMemory
    /// The peers whose memory is mapped now, and what follows for each.
    let populated: PopulatedPeers
    /// What the engine has announced to applications that wait.
    let announcements: RingAnnouncements
    var afterPopulating: [UInt64: () -> Void] = [:]
    let poller: Poller
    let place: ListeningSocket
    let published: PublishedState
    let logger: Logger
    /// Maximum number of descriptors of one tenant that are not closed yet; beyond it, its connections are refused or
    /// ended.
    static let maximumBacklog = 1024
    private let stopEvent: StopEvent
    /// Limits log messages that untrusted peers cause.
    private var refusalLimiter = LogRateLimiter()
    private var refusalLogLimiter = LogRateLimiter()
    var unreadLimiter = LogRateLimiter()
    var peers: [UInt64: Peer] = [:]
    var ledger: QuotaLedger
    var statistics = ControllerStatistics()
    private var nextPeer: UInt64 = 1
    var processes = ProcessTable()
    /// The memory of other operating systems, and their new connections.
    var domains: OSDomainTable
    /// The last session of each operating system.
    var sessions: [Tenant: UInt64] = [:]
    /// Connections that wait until nothing is left of an earlier session of their operating system.
    var delayedArrivals: [Tenant: [GuestArrivals.Arrival]] = [:]
    /// Groups, members, windows and tokens.
    var groups: AccessGroupTable
    /// The windows of groups.
    var openedWindows: [DomainWindow: OpenedWindow] = [:]
    /// What was last published of each group.
    var groupStates: [AccessGroupID: GroupState] = [:]
    /// Work of disconnected peers.
    var departedWork = Work()
    /// The peers with a delayed join, and the time of the first one.
    var waitingJoins: Set<UInt64> = [], nextJoin: MonotonicTime?
    /// What waits for the next quiescent point, and for the requested one.
    var deferred = Deferred(), awaited: (point: Engine.QuiescentPoint, deferred: Deferred)?
    var queue = WorkQueue<Item>()
    /// Connections and groups that have changed since the last publication.
    var changedPeers: Set<UInt64> = [], changedGroups: Set<AccessGroupID> = []
    /// Disconnected peers whose resources are not all released.
    var leaving: [UInt64: Peer] = [:]
    /// The members of each published group, and the last published statistics.
    var memberCounts: [AccessGroupID: Int] = [:], lastStatistics = ControllerStatistics()
    private let ping: LoopPing
    private var isAcceptQueued = false, isStopping = false
    /// Closed for a moment when no descriptors are left, so that a new connection can be accepted and refused.
    private var spare: OwnedDescriptor?
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Packet.maximumLength, alignment: 16)

    private static let listenerToken: UInt64 = 0
    private static let stopToken: UInt64 = 1
    /// Tokens from 2 on belong to peers, whose numbers start at 1.
    private static let quiescenceToken: UInt64 = .max
    private static let populatedToken: UInt64 = .max - 1
    private static let arrivalsToken: UInt64 = .max - 2
    private static let pingToken: UInt64 = .max - 3
    private static let announcementsToken: UInt64 = .max - 4

    /// A bounded piece of work.
    enum Item {
        /// Accept a connection.
        case accept
        /// Connect a process of another operating system.
        case admit(GuestArrivals.Arrival)
        /// Read one message of a peer, or send some that wait.
        case serve(UInt64)
        /// Send notices of announced rings.
        case announce(UInt64)
        /// Perform a delayed join.
        case join(UInt64)
        /// Remove a ring that was stopped, or move the next part of its operation.
        case stop(UInt64)
        /// Release a ring of a disconnected peer, or the rest of it.
        case release(Peer)
        case action(() -> Void)
    }

    init(
        place: consuming ListeningSocket, configuration: ControllerConfiguration, groups: AccessGroupTable,
        domains: OSDomainTable, engine: Engine, stopEvent: StopEvent, ping: LoopPing, published: PublishedState,
        logger: Logger
    ) throws(Errno) {
        self.ping = ping
        self.configuration = configuration
        self.logger = logger
        self.engine = engine
        self.stopEvent = stopEvent
        self.published = published
        ledger = QuotaLedger(configuration.quota)
        self.groups = groups
        self.domains = domains
        blockingCalls = BlockingCalls()
        memory = TenantMemory(logger)
        populated = try PopulatedPeers()
        announcements = try RingAnnouncements()
        published.change { [mode = memory.mode.rawValue] in $0.memoryMode = mode }
        let poller = try Poller()
        try poller.add(place.raw, .readable, token: Self.listenerToken)
        try poller.add(stopEvent.event.raw, .readable, token: Self.stopToken)
        try poller.add(populated.event.raw, [.readable, .edgeTriggered], token: Self.populatedToken)
        try poller.add(announcements.event.raw, [.readable, .edgeTriggered], token: Self.announcementsToken)
        try poller.add(domains.arrivals.event.raw, [.readable, .edgeTriggered], token: Self.arrivalsToken)
        try poller.add(ping.request.raw, [.readable, .edgeTriggered], token: Self.pingToken)
        try poller.add(engine.quiescenceEvent, [.readable, .edgeTriggered], token: Self.quiescenceToken)
        self.poller = poller
        self.place = place
        spare = try? MemoryFile.make(name: "spare", byteCount: 0)
    }

    deinit {
        buffer.deallocate()
    }

    /// Serves until the stop event; then disconnects all peers.
    ///
    /// Each turn performs one item of work, of the tenant whose turn it is: between any two items, new ones are added.
    func run() {
        var events = [Poller.Event](repeating: Poller.Event(), count: 64)
        while !isStopping {
            let timeout = queue.isEmpty ? nextJoin?.millisecondsLeft ?? -1 : 0
            let count = events.withUnsafeMutableBufferPointer { buffer in
                (try? poller.wait(into: buffer, milliseconds: timeout)) ?? 0
            }
            for event in events.prefix(count) { note(event) }
            takeQuiescence()
            takePopulated()
            queueDueJoins()
            if let item = queue.next() { perform(item) }
            requestQuiescence()
            publish()
        }
        closeArrivals()
        for peer in Array(peers.values) {
            peer.isExpelled = true
            keepCounters(of: peer)
            drop(peer)
        }
        drain()
        publish()
        logger.info("controller stopped", metadata: ["path": "\(place.path)"])
    }

    private func note(_ event: Poller.Event) {
        switch event.token {
        case Self.listenerToken:
            guard !isAcceptQueued else { return }
            isAcceptQueued = true
            queue.add(.accept, for: nil)
        case Self.stopToken: isStopping = true
        case Self.arrivalsToken: takeArrivals()
        case Self.announcementsToken: takeAnnouncements()
        case Self.pingToken: ping.answer()
        case Self.quiescenceToken, Self.populatedToken: break
        default:
            // An earlier event may have disconnected it.
            guard let peer = peers[event.token >> 1] else { return }
            if event.token == peer.processToken { peer.hasExited = true }
            if !peer.isBusy || peer.hasExited { enqueue(peer) }
        }
    }

    /// Adds an item for a peer that may have messages. Sockets are watched edge-triggered: an item follows another one
    /// until the socket has no more.
    func enqueue(_ peer: Peer) {
        guard !peer.isQueued else { return }
        peer.isQueued = true
        queue.add(.serve(peer.number), for: peer.tenant)
    }

    func perform(_ item: Item) {
        switch item {
        case .accept:
            isAcceptQueued = false
            if !isStopping { accept() }
        case .admit(let arrival): admit(arrival)
        case .serve(let number): if let peer = peers[number] { serve(peer) }
        case .announce(let number): if let peer = peers[number] { sendNotices(to: peer) }
        case .join(let number): if let peer = peers[number] { performWaitingJoin(peer) }
        case .stop(let number): if let peer = peers[number] { advanceStop(peer) }
        case .release(let peer): release(peer)
        case .action(let body): body()
        }
    }

    private func serve(_ peer: Peer) {
        peer.isQueued = false
        if peer.hasExited { return drop(peer) }
        guard !peer.isBusy else { return }
        let mayHaveMore = peer.unsent.isEmpty ? receive(from: peer) : sendRest(to: peer)
        if mayHaveMore, !peer.isBusy, peers[peer.number] != nil { enqueue(peer) }
    }

    // MARK: Connections

    private func accept() {
        do throws(Errno) {
            let socket = try place.accept(nonblocking: true)
            try admit(socket)
        } catch {
            if error == .wouldBlock { return }
            statistics.refusedConnections += 1
            if let suppressed = refusalLogLimiter.admit() {
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

    private func admit(_ socket: consuming OwnedDescriptor) throws(Errno) {
        let credentials = try PeerCredentials(of: socket)
        let contents: UntrustedPeerSocket.Contents = place.refusesDescriptors ? .noDescriptors : .unexpectedDescriptors
        let process: Peer.Process
        do throws(Errno) {
            process = Peer.Process(try ProcessDescriptor.ofPeer(socket))
        } catch {
            return refuseConnection(
                UntrustedPeerSocket(socket, contents, of: .user(credentials.uid), blockingCalls),
                Self.metadata(credentials.pid, credentials.uid),
                error == .notSupported
                    ? "the controller cannot watch processes of a PID namespace that it does not see: this needs Linux 6.5"
                    : "the controller cannot watch the process: \(error)", error)
        }
        let tenant = tenant(of: credentials, process.descriptor)
        let socket = UntrustedPeerSocket(socket, contents, of: tenant, blockingCalls)
        guard mayConnect(socket, tenant, Self.metadata(credentials.pid, credentials.uid)) else { return }
        let identity = ProcessIdentity(of: process.descriptor, pid: credentials.pid)
        try connect(socket, tenant, identity.map { .process($0) }) { number, processNumber in
            Peer(
                number: number, socket: socket, process: process, processID: credentials.pid,
                userID: credentials.uid, tenant: tenant, region: nil, processNumber: processNumber)
        }
    }

    /// Whether a tenant may have one more connection, which is charged then; else the connection is refused.
    func mayConnect(_ socket: UntrustedPeerSocket, _ tenant: Tenant, _ metadata: Logger.Metadata) -> Bool {
        guard peers.count + leaving.count < configuration.maximumConnections else {
            refuseConnection(
                socket, metadata,
                "the controller already has its maximum of \(configuration.maximumConnections) connections")
            return false
        }
        guard ledger.mayConnect(tenant, maximum: configuration.maximumConnections) else {
            statistics.quotaRefusals += 1
            refuseConnection(
                socket, metadata,
                "the last quarter of the controller's \(configuration.maximumConnections) connections is for those who have "
                    + "fewer than \(tenant)")
            return false
        }
        guard blockingCalls.backlog(of: tenant) <= Self.maximumBacklog else {
            refuseConnection(socket, metadata, Self.backlogReason(tenant))
            return false
        }
        if let full = ledger.charge(tenant, QuotaLedger.Amount(connections: 1)) {
            statistics.quotaRefusals += 1
            refuseConnection(socket, metadata, full)
            return false
        }
        return true
    }

    /// Adds a connection that is charged already; an error reverts the charge.
    ///
    /// - Parameter make: makes the peer from its number and that of its process.
    func connect(
        _ socket: UntrustedPeerSocket, _ tenant: Tenant, _ identity: ProcessTable.Identity?,
        _ make: (_ number: UInt64, _ processNumber: UInt64) -> Peer
    ) throws(Errno) {
        let peer = make(nextPeer, processes.connect(identity))
        nextPeer += 1
        do throws(Errno) {
            if let process = peer.process {
                try poller.add(process.descriptor.raw, [.readable, .edgeTriggered], token: peer.processToken)
            }
            try poller.add(peer.socket.raw, [.readable, .edgeTriggered], token: peer.socketToken)
        } catch {
            _ = processes.disconnect(peer.client.process)
            ledger.release(tenant, QuotaLedger.Amount(connections: 1))
            throw error
        }
        peers[peer.number] = peer
        statistics.accepted += 1
        changedPeers.insert(peer.number)
        logger.debug("an application connected", metadata: Self.metadata(of: peer))
    }

    /// The user that the kernel uses for all those that this user namespace does not have.
    private static let overflowUser: UInt32 = 65534

    /// Processes whose control group cannot be read are counted to their user.
    private func tenant(of peer: PeerCredentials, _ process: borrowing OwnedDescriptor) -> Tenant {
        guard configuration.tenants == .cgroups || peer.uid == Self.overflowUser,
            let group = ControlGroup(of: peer.pid, process)
        else { return .user(peer.uid) }
        return .cgroup(group)
    }

    private static func backlogReason(_ tenant: Tenant) -> String {
        "more than \(maximumBacklog) descriptors from \(tenant) are not closed yet; try again later"
    }

    func refuseConnection(
        _ socket: UntrustedPeerSocket, _ metadata: Logger.Metadata, _ reason: String,
        _ errno: Errno = .diskQuotaExceeded
    ) {
        statistics.refusedConnections += 1
        if let suppressed = refusalLogLimiter.admit() {
            let more: Logger.Metadata = ["reason": "\(reason)", "suppressed": "\(suppressed)"]
            logger.notice(
                "refused the connection of an application", metadata: metadata.merging(more) { $1 })
        }
        let bytes = Packet.encode(Failed(errno: errno.rawValue, reason: reason), sequence: 0)
        // Best effort: an error is ignored.
        _ = bytes.withUnsafeBytes { SequencedPacketSocket.send($0, on: socket.raw) }
    }

    /// Identifies the peer in log messages. Never add what a peer sent: it may contain a token.
    static func metadata(of peer: Peer) -> Logger.Metadata {
        metadata(peer.processID, peer.userID, peer.tenant).merging(["connection": "\(peer.number)"]) { $1 }
    }

    static func metadata(_ processID: Int32, _ userID: UInt32, _ tenant: Tenant? = nil) -> Logger.Metadata {
        var metadata: Logger.Metadata = ["pid": "\(processID)", "uid": "\(userID)"]
        if let name = tenant?.osDomain { metadata["os_domain"] = "\(name)" }
        return metadata
    }

    // MARK: Messages

    /// Reads one message.
    ///
    /// - Returns: whether there was one.
    private func receive(from peer: Peer) -> Bool {
        let message: ReceivedMessage
        do throws(Errno) {
            // The maximum: the kernel would close further ones in this thread, which can block for as long as the peer
            // chooses.
            message = try SequencedPacketSocket.receive(
                into: buffer, descriptorLimit: SequencedPacketSocket.maximumDescriptorCount, on: peer.socket.raw)
        } catch {
            if error != .wouldBlock { drop(peer) }
            return false
        }
        handle(message, from: peer)
        return true
    }

    private func handle(_ message: consuming ReceivedMessage, from peer: Peer) {
        let (length, isCut) = (message.byteCount, message.lostDescriptors)
        var descriptors = message.descriptors
        // Descriptors that no request has taken.
        defer {
            blockingCalls.close(descriptors.release(), of: peer.tenant)
            if peers[peer.number] != nil, blockingCalls.backlog(of: peer.tenant) > Self.maximumBacklog {
                refuse(peer, Self.backlogReason(peer.tenant))
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
    func refuse(_ peer: Peer, _ reason: String) {
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

    /// Answers a request, after its effect is published; disconnects the peer that ``send(_:_:to:)`` returns.
    func answer(_ peer: Peer, _ message: some WireMessage, sequence: UInt32, descriptors: [CInt] = []) {
        publish()
        if let failed = send(Packet.encode(message, sequence: sequence), descriptors, to: peer) { drop(failed) }
    }
}
