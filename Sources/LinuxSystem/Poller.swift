import CLinux
import Glibc
import SystemPackage

/// Waits for many descriptors at once.
///
/// `add`, `modify` and `remove` may be called by any thread; one thread at a time waits.
///
/// C: `epoll_create1`, `epoll_ctl`, `epoll_wait`
public struct Poller: ~Copyable, Sendable {
    /// What a descriptor is watched for, or what happened to it.
    public struct Events: OptionSet, Sendable {
        /// The bits of `epoll`.
        public let rawValue: UInt32

        /// The bits of `epoll`.
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// There is something to read. C: `EPOLLIN`
        public static let readable = Events(rawValue: UInt32(CLINUX_EPOLLIN))
        /// There is room to write. C: `EPOLLOUT`
        public static let writable = Events(rawValue: UInt32(CLINUX_EPOLLOUT))
        /// An error waits; always watched for. C: `EPOLLERR`
        public static let error = Events(rawValue: UInt32(CLINUX_EPOLLERR))
        /// The peer is gone; always watched for. C: `EPOLLHUP`
        public static let hangUp = Events(rawValue: UInt32(CLINUX_EPOLLHUP))
        /// The peer sends nothing any more. C: `EPOLLRDHUP`
        public static let readHangUp = Events(rawValue: UInt32(CLINUX_EPOLLRDHUP))
        /// Report changes, not states. C: `EPOLLET`
        public static let edgeTriggered = Events(rawValue: CLINUX_EPOLLET)
    }

    /// One report: what happened to which descriptor.
    public struct Event: BitwiseCopyable {
        // Exactly the C struct, so that a buffer of these is what the C function fills.
        private var raw = clinux_event()

        /// An event to be filled.
        public init() {}

        /// The token that the descriptor was added with.
        public var token: UInt64 { raw.token }

        /// What happened.
        public var events: Events { Events(rawValue: raw.events) }
    }

    private let epoll: OwnedDescriptor

    /// The number of its descriptor, for a wait of one's own. It must not outlive the poller.
    public var raw: CInt { epoll.raw }

    /// A poller that watches nothing.
    public init() throws(Errno) {
        epoll = OwnedDescriptor(adopting: try tryingSystemCall { clinux_epoll_create() })
    }

    /// Watches a descriptor; `token` comes back with each of its events.
    public func add(_ descriptor: CInt, _ events: Events, token: UInt64) throws(Errno) {
        let epoll = epoll.raw
        try tryingSystemCall { clinux_epoll_add(epoll, descriptor, events.rawValue, token) }
    }

    /// Watches a descriptor for something else.
    public func modify(_ descriptor: CInt, _ events: Events, token: UInt64) throws(Errno) {
        let epoll = epoll.raw
        try tryingSystemCall { clinux_epoll_modify(epoll, descriptor, events.rawValue, token) }
    }

    /// Does not watch a descriptor any more. Closing its last copy does the same.
    public func remove(_ descriptor: CInt) throws(Errno) {
        let epoll = epoll.raw
        try tryingSystemCall { clinux_epoll_remove(epoll, descriptor) }
    }

    /// Waits until something happens, at most `milliseconds` (-1: for ever), and gives the number of events stored,
    /// at most 64. A signal ends the wait with 0.
    public func wait(into events: UnsafeMutableBufferPointer<Event>, milliseconds: Int32 = -1) throws(Errno) -> Int {
        let epoll = epoll.raw
        let result = systemCall(retryOnInterrupt: false) {
            events.withMemoryRebound(to: clinux_event.self) {
                clinux_epoll_wait(epoll, $0.baseAddress, CInt(clamping: $0.count), milliseconds)
            }
        }
        switch result {
        case .success(let count): return Int(count)
        case .failure(.interrupted): return 0
        case .failure(let error): throw error
        }
    }
}
