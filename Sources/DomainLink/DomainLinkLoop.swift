internal import Glibc
public import LinuxSystem
public import SystemPackage

/// The state of a link. For its thread only.
public final class DomainLinkLoop {
    /// A session, or the attempt to begin one.
    struct Session {
        let nonce: UInt64
        /// The guest has received the welcome, or the host has sent it.
        var isEstablished: Bool
        /// What the host has answered.
        var welcome: LinkWelcome?
        /// When the last frame of it came.
        var lastFrame: MonotonicTime
    }

    let configuration: DomainLink.Configuration
    let poller: Poller
    /// Watches the local sockets and the delegate's descriptors. Itself watched by `poller` while the output has room.
    let localPoller: Poller
    /// Set while the thread runs.
    var delegate: (any DomainLinkDelegate)?
    var decoder = FrameDecoder()
    var output = FrameOutput()
    var session: Session?
    var connections: [UInt32: Connection] = [:]
    /// The connections by the token of their local socket, also those of ended sessions whose local service has not
    /// closed its end.
    var locals: [UInt64: Connection] = [:]
    var statistics = LinkStatistics()
    /// Rung since the last delivery.
    var rung: Set<UInt32> = []
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: FrameHeader.maximumPayloadLength, alignment: 16)

    private let connect: @Sendable () throws(Errno) -> OwnedDescriptor
    private let published: PublishedLinkStatistics
    private var stream: OwnedDescriptor?
    private var streamEvents = Poller.Events.readable
    private var nextConnect = MonotonicTime(nanoseconds: 0)
    private var nextHeartbeat = MonotonicTime(nanoseconds: 0)
    /// When the decoder began to wait for the rest of a frame; `nil`: it does not.
    private var incompleteSince: MonotonicTime?
    /// When the stream took bytes last, or the output was empty.
    private var lastWrite = MonotonicTime.now
    private var watchesLocals = false
    /// The end of the wait for local services; set when the link stops.
    private var stopDeadline: MonotonicTime?
    private var nextNumber: UInt32
    private var nextToken: UInt64 = 0

    private static let streamToken: UInt64 = 0
    private static let stopToken: UInt64 = 1
    private static let localsToken: UInt64 = 2
    /// Set in the tokens of the delegate's descriptors.
    private static let delegateBit: UInt64 = 1 << 63
    /// The part of the output that packets of local sockets leave free, for frames without a payload.
    private static let reserve = 64 << 10

    init(
        _ configuration: DomainLink.Configuration, stop: CInt, _ published: PublishedLinkStatistics,
        _ connect: @escaping @Sendable () throws(Errno) -> OwnedDescriptor
    ) throws(Errno) {
        self.configuration = configuration
        self.published = published
        self.connect = connect
        nextNumber = configuration.isHost ? 2 : 1
        let poller = try Poller()
        localPoller = try Poller()
        try poller.add(stop, .readable, token: Self.stopToken)
        self.poller = poller
    }

    deinit {
        buffer.deallocate()
    }

    /// Serves until the stop event.
    func run(_ delegate: any DomainLinkDelegate) {
        self.delegate = delegate
        delegate.started(self)
        var events = [Poller.Event](repeating: Poller.Event(), count: 64)
        while !hasStopped {
            let now = MonotonicTime.now
            openStream(now)
            keepTime(now)
            flush()
            watch()
            publish()
            let count = events.withUnsafeMutableBufferPointer { buffer in
                (try? poller.wait(into: buffer, milliseconds: timeout)) ?? 0
            }
            for event in events.prefix(count) {
                switch event.token {
                case Self.streamToken: receive()
                case Self.localsToken: serveLocals()
                default: stop()
                }
            }
        }
        stream = nil
        publish()
        self.delegate = nil
    }

    // MARK: The stream

    private func openStream(_ now: MonotonicTime) {
        guard stream == nil, now >= nextConnect, stopDeadline == nil else { return }
        nextConnect = now.advanced(by: configuration.retry)
        do throws(Errno) {
            let stream = try connect()
            streamEvents = .readable
            try poller.add(stream.raw, streamEvents, token: Self.streamToken)
            self.stream = consume stream
            decoder.reset()
            output.reset()
            nextHeartbeat = now
        } catch {
            delegate?.cannotConnect(error)
        }
    }

    private func closeStream(_ reason: String) {
        endSession(reason)
        // The last copy: the poller forgets it.
        stream = nil
        output.reset()
        nextConnect = MonotonicTime.now.advanced(by: configuration.retry)
    }

    /// Reads once and handles all complete frames.
    private func receive() {
        guard let raw = stream?.raw else { return }
        do throws(Errno) {
            let count = try decoder.receive { (memory) throws(Errno) in
                try tryingSystemCall { read(raw, memory.baseAddress, memory.count) }
            }
            guard count > 0 else { return closeStream("the other side has closed the stream") }
            statistics.receivedBytes &+= UInt64(count)
            handleFrames()
        } catch {
            if error != .wouldBlock { closeStream("the stream cannot be read: \(error)") }
        }
    }

    private func handleFrames() {
        var hasFrames = false
        while let frame = decoder.next() {
            hasFrames = true
            statistics.receivedFrames &+= 1
            handle(frame)
        }
        if !decoder.hasIncompleteFrame {
            incompleteSince = nil
        } else if hasFrames || incompleteSince == nil {
            incompleteSince = .now
        }
        statistics.skippedBytes = decoder.skippedByteCount
        let rung = rung
        self.rung = []
        for connection in rung where connections[connection] != nil { delegate?.rang(connection) }
    }

    /// Writes what the stream takes.
    private func flush() {
        guard let raw = stream?.raw else { return }
        do throws(Errno) {
            let count = try output.write(to: raw)
            statistics.sentBytes &+= UInt64(count)
            if count > 0 || output.isEmpty { lastWrite = .now }
        } catch {
            closeStream("the stream cannot be written: \(error)")
        }
    }

    /// Adds a frame to the output. A full output ends the session: the other side does not read.
    func put(_ kind: FrameKind, nonce: UInt64, connection: UInt32 = 0, _ payload: UnsafeRawBufferPointer) {
        guard stream != nil else { return }
        let header = FrameHeader(kind: kind, nonce: nonce, connection: connection, length: payload.count)
        if output.put(header, payload) {
            statistics.sentFrames &+= 1
        } else {
            endSession("the other side does not read what it causes")
        }
    }

    /// A frame of the session without a payload.
    func put(_ kind: FrameKind, connection: UInt32 = 0) {
        guard let session else { return }
        put(kind, nonce: session.nonce, connection: connection, UnsafeRawBufferPointer(start: nil, count: 0))
    }

    func put(_ kind: FrameKind, nonce: UInt64, connection: UInt32 = 0, message: some LinkMessage) {
        message.withPayload { put(kind, nonce: nonce, connection: connection, $0) }
    }

    // MARK: Time

    /// Does what is due: heartbeats, greetings, the ends of a silent session and of an incomplete frame.
    private func keepTime(_ now: MonotonicTime) {
        guard stream != nil else { return }
        if let since = incompleteSince, now >= since.advanced(by: configuration.silence) {
            decoder.skipIncompleteFrame()
            incompleteSince = nil
            handleFrames()
        }
        if let session, session.isEstablished {
            if now >= session.lastFrame.advanced(by: configuration.silence) {
                endSession("nothing was received for \(configuration.silence)")
            } else if !output.isEmpty, now >= lastWrite.advanced(by: configuration.silence * 5) {
                endSession("the other side has read nothing for \(configuration.silence * 5)")
            }
        }
        guard now >= nextHeartbeat else { return }
        nextHeartbeat = now.advanced(by: configuration.heartbeat)
        if let session, session.isEstablished {
            // Bytes that wait say as much.
            if output.isEmpty { put(.heartbeat) }
            delegate?.heartbeat(on: self)
        } else if !configuration.isHost, stopDeadline == nil {
            greet(now)
        }
    }

    /// Delays the next greeting: the host has refused the last one.
    func delayGreeting() {
        nextHeartbeat = MonotonicTime.now.advanced(by: configuration.retry)
    }

    private func greet(_ now: MonotonicTime) {
        let nonce = session?.nonce ?? UInt64.random(in: 1 ... .max)
        session = Session(nonce: nonce, isEstablished: false, lastFrame: now)
        // A host that does not read receives no second one.
        if output.isEmpty { put(.hello, nonce: nonce, message: LinkHello()) }
    }

    private var timeout: Int32 {
        guard stream != nil else { return min(nextConnect.millisecondsLeft, stopDeadline?.millisecondsLeft ?? .max) }
        var next = nextHeartbeat
        if let incompleteSince { next = min(next, incompleteSince.advanced(by: configuration.silence)) }
        if let stopDeadline { next = min(next, stopDeadline) }
        return next.millisecondsLeft
    }

    private func stop() {
        guard stopDeadline == nil else { return }
        stopDeadline = MonotonicTime.now.advanced(by: .seconds(1))
        if let session, session.isEstablished {
            put(.failed, nonce: session.nonce, message: SessionFailure("the service ends"))
            flush()
        }
        endSession("the service ends")
    }

    private var hasStopped: Bool {
        guard let stopDeadline else { return false }
        return locals.isEmpty || MonotonicTime.now >= stopDeadline
    }

    // MARK: Local descriptors

    /// Watches a descriptor of the delegate.
    ///
    /// - Parameters:
    ///   - descriptor: stays owned by the delegate, which calls ``unwatch(_:)`` before it closes it.
    ///   - events: which ones; see `Poller`.
    ///   - token: below 2⁶³; passed to ``DomainLinkDelegate/ready(_:on:)``.
    public func watch(_ descriptor: CInt, _ events: Poller.Events, token: UInt64) throws(Errno) {
        try localPoller.add(descriptor, events, token: token | Self.delegateBit)
    }

    /// Stops watching a descriptor of the delegate.
    public func unwatch(_ descriptor: CInt) {
        try? localPoller.remove(descriptor)
    }

    /// Watches what can be handled now: local sockets only while the longest frame fits into the output.
    private func watch() {
        if let raw = stream?.raw {
            let events: Poller.Events = output.isEmpty ? .readable : [.readable, .writable]
            if events != streamEvents, (try? poller.modify(raw, events, token: Self.streamToken)) != nil {
                streamEvents = events
            }
        }
        let hasRoom = hasRoom
        guard hasRoom != watchesLocals else { return }
        let done: Void? =
            hasRoom
            ? try? poller.add(localPoller.raw, .readable, token: Self.localsToken) : try? poller.remove(localPoller.raw)
        if done != nil { watchesLocals = hasRoom }
    }

    private var hasRoom: Bool {
        output.freeByteCount >= FrameHeader.byteCount + FrameHeader.maximumPayloadLength + Self.reserve
    }

    private func serveLocals() {
        // As many as fit into the output, whatever their packets are.
        for _ in 0..<64 where hasRoom {
            var event = Poller.Event()
            let count = withUnsafeMutablePointer(to: &event) { event in
                (try? localPoller.wait(into: UnsafeMutableBufferPointer(start: event, count: 1), milliseconds: 0)) ?? 0
            }
            guard count == 1 else { return }
            if event.token & Self.delegateBit != 0 {
                delegate?.ready(event.token & ~Self.delegateBit, on: self)
            } else if let connection = locals[event.token] {
                receiveLocally(connection)
            }
            // The stream has its turn after each of them when it is behind.
            guard output.isEmpty || output.freeByteCount > FrameOutput.capacity / 2 else { return }
        }
    }

    /// The number and the token of a new connection that this side opens.
    func takeNumber() -> UInt32? {
        guard nextNumber < .max - 2 else { return nil }
        defer { nextNumber += 2 }
        return nextNumber
    }

    func takeToken() -> UInt64 {
        defer { nextToken += 1 }
        return nextToken
    }

    /// Numbers start again with each session.
    func restartNumbers() {
        nextNumber = configuration.isHost ? 2 : 1
    }

    /// Makes the statistics visible to other threads: once a turn, and before anybody is told of the end of a session.
    func publish() {
        statistics.hasSession = session?.isEstablished == true
        statistics.connections = connections.count
        let statistics = statistics
        published.value.withLock { if $0 != statistics { $0 = statistics } }
    }
}

extension DomainLink.Configuration {
    var isHost: Bool {
        side == .host
    }
}
