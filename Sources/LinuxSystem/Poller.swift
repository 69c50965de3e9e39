import CLinux
import Glibc
import SystemPackage

/// Waits for many descriptors at once.
///
/// `add`, `modify` and `remove` may be called by any thread; one thread at a time waits.
///
/// C: `epoll_create1`, `epoll_ctl`, `epoll_wait`
public struct Poller: ~Copyable, Sendable {
    /// Events to watch for, or events that occurred.
    public struct Events: OptionSet, Sendable {
        /// The bits of `epoll`.
        public let rawValue: UInt32

        /// The bits of `epoll`.
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// Readable. C: `EPOLLIN`
        public static let readable = Events(rawValue: UInt32(CLINUX_EPOLLIN))
        /// Writable. C: `EPOLLOUT`
        public static let writable = Events(rawValue: UInt32(CLINUX_EPOLLOUT))
        /// An error is pending; always watched. C: `EPOLLERR`
        public static let error = Events(rawValue: UInt32(CLINUX_EPOLLERR))
        /// The peer has closed; always watched. C: `EPOLLHUP`
        public static let hangUp = Events(rawValue: UInt32(CLINUX_EPOLLHUP))
        /// The peer has shut down sending. C: `EPOLLRDHUP`
        public static let readHangUp = Events(rawValue: UInt32(CLINUX_EPOLLRDHUP))
        /// Report changes, not states. C: `EPOLLET`
        public static let edgeTriggered = Events(rawValue: CLINUX_EPOLLET)
    }

    /// One reported event.
    public struct Event: BitwiseCopyable {
        // Exactly the C struct, so that the C function can fill a buffer of these.
        private var raw = clinux_event()

        /// An empty event, to be filled.
        public init() {}

        /// The token that the descriptor was added with.
        public var token: UInt64 { raw.token }

        /// The events that occurred.
        public var events: Events { Events(rawValue: raw.events) }
    }

    private let epoll: OwnedDescriptor

    /// The number of its descriptor, for other wait calls; valid while the poller exists.
    public var raw: CInt { epoll.raw }

    /// Watches no descriptor yet.
    public init() throws(Errno) {
        epoll = OwnedDescriptor(adopting: try tryingSystemCall { clinux_epoll_create() })
    }

    /// Watches a descriptor; each of its events contains `token`.
    public func add(_ descriptor: CInt, _ events: Events, token: UInt64) throws(Errno) {
        let epoll = epoll.raw
        try tryingSystemCall { clinux_epoll_add(epoll, descriptor, events.rawValue, token) }
    }

    /// Changes the watched events of a descriptor.
    public func modify(_ descriptor: CInt, _ events: Events, token: UInt64) throws(Errno) {
        let epoll = epoll.raw
        try tryingSystemCall { clinux_epoll_modify(epoll, descriptor, events.rawValue, token) }
    }

    /// Stops watching a descriptor. Closing its last copy has the same effect.
    public func remove(_ descriptor: CInt) throws(Errno) {
        let epoll = epoll.raw
        try tryingSystemCall { clinux_epoll_remove(epoll, descriptor) }
    }

    /// Waits for events, at most `milliseconds` (-1: unlimited), and returns the number of events stored, at most 64. A
    /// signal ends the wait with 0.
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
