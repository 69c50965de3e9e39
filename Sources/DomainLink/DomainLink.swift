public import LinuxSystem
public import SystemPackage

/// One end of the byte stream between a host and a guest: sessions, and the connections in them.
///
/// Each connection has a local `SOCK_SEQPACKET` socket, whose packets become frames, and the reverse. One thread does all
/// of it, and never waits for a local socket or for the stream alone. What differs between host and guest is in a
/// ``DomainLinkDelegate``.
public final class DomainLink: Sendable {
    /// Which end it is.
    public enum Side: Sendable {
        /// It answers the greetings of a guest.
        case host
        /// It greets.
        case guest
    }

    /// The limits and times of a link.
    public struct Configuration: Sendable {
        /// Which end it is.
        public var side: Side
        /// The time between two heartbeats, and between two greetings.
        public var heartbeat = Duration.milliseconds(250)
        /// Without a frame for this time the session is over.
        public var silence = Duration.seconds(1)
        /// The time after which a stream that could not be opened, or has ended, is opened again.
        public var retry = Duration.seconds(1)
        /// The highest number of connections at a time.
        public var maximumConnections = 1024

        /// The usual limits for one end.
        public init(side: Side) {
            self.side = side
        }
    }

    private let stopEvent: EventDescriptor
    private let published: PublishedLinkStatistics
    private let thread: SystemThread
    private let isJoined = Locked(false)

    /// Starts a link.
    ///
    /// - Parameters:
    ///   - name: of its thread.
    ///   - configuration: limits and times.
    ///   - connect: opens the stream, non-blocking; called on the thread, at the start and after each end of the stream.
    ///   - makeDelegate: called once on the thread, which is the only one that uses the delegate.
    /// - Throws: the errors of `epoll_create1`, `eventfd` and `pthread_create`.
    public init(
        name: String, configuration: Configuration,
        connect: @escaping @Sendable () throws(Errno) -> OwnedDescriptor,
        makeDelegate: @escaping @Sendable () -> any DomainLinkDelegate
    ) throws(Errno) {
        stopEvent = try EventDescriptor()
        published = PublishedLinkStatistics()
        thread = try Self.startThread(name, configuration, stopEvent.raw, published, connect, makeDelegate)
    }

    /// The event descriptor exists until the thread is joined.
    private static func startThread(
        _ name: String, _ configuration: Configuration, _ stop: CInt, _ published: PublishedLinkStatistics,
        _ connect: @escaping @Sendable () throws(Errno) -> OwnedDescriptor,
        _ makeDelegate: @escaping @Sendable () -> any DomainLinkDelegate
    ) throws(Errno) -> SystemThread {
        let loop = try DomainLinkLoop(configuration, stop: stop, published, connect)
        return try SystemThread.start(name: name) { loop.run(makeDelegate()) }
    }

    /// A snapshot of its counters. Any thread.
    public var statistics: LinkStatistics { published.value.withLock { $0 } }

    /// Ends the session, waits up to a second until the local services have closed their connections, then closes the
    /// stream. Any thread may call it, any number of times.
    public func stop() {
        stopEvent.signal()
        isJoined.withLock { isJoined in
            if !isJoined { thread.join() }
            isJoined = true
        }
    }

    deinit {
        stop()
    }
}

/// The counters of a link.
public struct LinkStatistics: Sendable, Equatable {
    /// Whether a session exists.
    public var hasSession = false
    /// The connections that exist now, without those of ended sessions.
    public var connections = 0
    /// Sessions since the start.
    public var sessions: UInt64 = 0
    /// Received frames that were valid, and sent ones.
    public var receivedFrames: UInt64 = 0, sentFrames: UInt64 = 0
    /// Bytes of the stream.
    public var receivedBytes: UInt64 = 0, sentBytes: UInt64 = 0
    /// Received bytes that belonged to no valid frame.
    public var skippedBytes: UInt64 = 0
    /// Valid frames of another session, of a connection that does not exist, or of the wrong direction.
    public var droppedFrames: UInt64 = 0
    /// Connections that the other side could not open.
    public var refusedConnections: UInt64 = 0
    /// Connections that ended because their local socket was full.
    public var unreadConnections: UInt64 = 0
    /// Why the last session ended; empty: none has.
    public var lastEnd = ""

    /// All counts are 0.
    public init() {}
}

/// The counters as other threads see them.
final class PublishedLinkStatistics: Sendable {
    let value = Locked(LinkStatistics())
}

/// What a link does not decide itself. All functions are called on the link's thread.
public protocol DomainLinkDelegate: AnyObject {
    /// The thread starts: descriptors can be watched.
    func started(_ link: DomainLinkLoop)

    /// The stream could not be opened; called at each attempt.
    func cannotConnect(_ error: Errno)

    /// A guest has greeted this host.
    ///
    /// - Returns: the answer, with which the session begins.
    /// - Throws: the reason that the guest gets instead.
    func makeWelcome() throws(SessionFailure) -> LinkWelcome

    /// The host has answered this guest: the session begins.
    ///
    /// - Throws: the reason that the host gets, and there is no session.
    func begin(_ welcome: LinkWelcome) throws(SessionFailure)

    /// The session has ended, and none of its connections exists any more, or the other side has refused it.
    func sessionEnded(_ reason: String, on link: DomainLinkLoop)

    /// The other side opens a connection.
    ///
    /// - Returns: the non-blocking socket of a local service; `nil`: the connection is refused.
    func open(_ request: OpenRequest, as connection: UInt32, of link: DomainLinkLoop) -> OwnedDescriptor?

    /// A packet of a local socket.
    ///
    /// - Parameters:
    ///   - packet: valid during the call.
    ///   - descriptors: those that came with it; what is not taken is closed.
    ///   - connection: whose socket it is.
    ///   - link: can deliver an answer.
    /// - Returns: whether it is sent to the other side.
    func receivedLocally(
        _ packet: UnsafeRawBufferPointer, _ descriptors: inout ReceivedDescriptors, on connection: UInt32,
        of link: DomainLinkLoop
    ) -> Bool

    /// A packet of the other side.
    ///
    /// - Returns: descriptors that the local socket gets with the packet; they stay owned by the delegate.
    func received(_ packet: UnsafeRawBufferPointer, on connection: UInt32, of link: DomainLinkLoop) -> [CInt]

    /// The other side has rung; many calls of it can become one.
    func rang(_ connection: UInt32)

    /// The other side has sent the list of its telemetry sockets.
    func received(_ sources: SourceList, on link: DomainLinkLoop)

    /// The session exists, and a heartbeat is due.
    func heartbeat(on link: DomainLinkLoop)

    /// A connection does not exist any more, on both sides.
    func closed(_ connection: UInt32, of link: DomainLinkLoop)

    /// A descriptor that the delegate watches has an event.
    func ready(_ token: UInt64, on link: DomainLinkLoop)
}

/// The functions of one side only do nothing on the other.
extension DomainLinkDelegate {
    /// A guest is not greeted.
    public func makeWelcome() throws(SessionFailure) -> LinkWelcome {
        throw SessionFailure("this side is no host")
    }

    /// A host begins its sessions itself.
    public func begin(_ welcome: LinkWelcome) throws(SessionFailure) {}

    /// A guest is not rung for.
    public func rang(_ connection: UInt32) {}

    /// A guest receives no lists.
    public func received(_ sources: SourceList, on link: DomainLinkLoop) {}

    /// Nothing is done at a heartbeat.
    public func heartbeat(on link: DomainLinkLoop) {}

    /// Nothing is watched.
    public func ready(_ token: UInt64, on link: DomainLinkLoop) {}
}
