import CLinux
import Glibc
public import SystemPackage

/// Tells the owner of something whether another process still uses it: one end of a connection, whose other end goes to
/// that process. When the last copy of the other end is closed, by the process or with it, the use has ended.
///
/// C: `socketpair`, `SO_PASSCRED`
public final class Lease: Sendable {
    private let end: CInt
    /// The process that has begun to use it last; 0: it is not visible from here.
    private let user = Locked<Int32?>(nil)

    /// What has become of the other end.
    public enum State: Sendable, Hashable {
        /// It exists, and no use has begun.
        case unused
        /// A process uses it.
        case used(by: Int32)
        /// The use has ended, or can no longer begin.
        case ended
    }

    /// Makes a lease.
    ///
    /// - Parameter body: receives the end for the other process, which is closed here when it returns.
    /// - Throws: EMFILE, ENFILE, ENOMEM, and what `body` throws.
    public static func make(sending body: (CInt) throws(Errno) -> Void) throws(Errno) -> Lease {
        let pair = try SequencedPacketSocket.pair(nonblocking: true)
        var value: CInt = 1
        let raw = pair.first.raw
        try tryingSystemCall {
            setsockopt(raw, SOL_SOCKET, SO_PASSCRED, &value, socklen_t(MemoryLayout<CInt>.size))
        }
        // Kernels before 6.16 do not refuse descriptors. They are dropped then.
        try? SequencedPacketSocket.setTakesDescriptors(false, on: raw)
        try body(pair.second.raw)
        return Lease(pair)
    }

    /// Closes the second.
    private init(_ pair: consuming DescriptorPair) {
        end = pair.releaseFirst()
    }

    deinit {
        _ = Glibc.close(end)
    }

    /// Ends the time in which a use can begin: a use that begins later is refused there.
    public func close() {
        shutdown(end, CInt(SHUT_RD))
    }

    /// Never waits.
    public var state: State {
        user.withLock { user in
            var pid: pid_t = 0
            // The other process could send for ever: what a queue holds is enough.
            for _ in 0..<64 {
                guard clinux_receive_pid(end, &pid) > 0 else { break }
                user = pid
            }
            var watched = pollfd(fd: end, events: 0, revents: 0)
            guard poll(&watched, 1, 0) >= 0, Int32(watched.revents) & POLLHUP == 0 else { return .ended }
            return user.map { .used(by: $0) } ?? .unused
        }
    }

    /// Begins a use, at the other end. Never waits.
    ///
    /// - Parameter other: a socket for which ``isSequencedPacketSocket(_:)`` is true.
    /// - Throws: EPIPE when no use can begin any more; other errors when it is no end of a lease.
    public static func begin(_ other: CInt) throws(Errno) {
        var byte: UInt8 = 1
        try tryingSystemCall { send(other, &byte, 1, CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT)) }
    }

    /// Whether a descriptor of unknown kind, perhaps from an untrusted process, is a Unix socket with message boundaries.
    public static func isSequencedPacketSocket(_ descriptor: CInt) -> Bool {
        for (option, expected) in [(SO_DOMAIN, AF_UNIX), (SO_TYPE, CInt(SOCK_SEQPACKET.rawValue))] {
            var value: CInt = 0
            var length = socklen_t(MemoryLayout<CInt>.size)
            guard getsockopt(descriptor, SOL_SOCKET, option, &value, &length) == 0, value == expected else {
                return false
            }
        }
        return true
    }
}
