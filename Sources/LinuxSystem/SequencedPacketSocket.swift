import CLinux
import Glibc
import SystemPackage

/// Unix sockets with message boundaries (`SOCK_SEQPACKET`); one thin function for each call.
///
/// All descriptors are close-on-exec. No call raises SIGPIPE. A function that throws `Errno` has had no effect.
public enum SequencedPacketSocket {
    /// The longest path of a Unix socket, in bytes.
    public static var maximumPathLength: Int { Int(CLINUX_UNIX_PATH_MAX) }

    /// A new socket.
    ///
    /// C: `socket`
    public static func open(nonblocking: Bool = false) throws(Errno) -> OwnedDescriptor {
        let flags = CInt(SOCK_CLOEXEC.rawValue) | (nonblocking ? CInt(SOCK_NONBLOCK.rawValue) : 0)
        return OwnedDescriptor(
            adopting: try tryingSystemCall { socket(AF_UNIX, CInt(SOCK_SEQPACKET.rawValue) | flags, 0) })
    }

    /// Two sockets that are connected to each other.
    ///
    /// C: `socketpair`
    public static func pair(nonblocking: Bool = false) throws(Errno) -> DescriptorPair {
        let flags = CInt(SOCK_CLOEXEC.rawValue) | (nonblocking ? CInt(SOCK_NONBLOCK.rawValue) : 0)
        var both: [CInt] = [-1, -1]
        try tryingSystemCall { socketpair(AF_UNIX, CInt(SOCK_SEQPACKET.rawValue) | flags, 0, &both) }
        return DescriptorPair(first: OwnedDescriptor(adopting: both[0]), second: OwnedDescriptor(adopting: both[1]))
    }

    /// Binds the socket to a path. The socket file has `mode` (minus the umask) from its creation on, because the mode
    /// is set on the socket before the file exists.
    ///
    /// C: `fchmod`, `bind`. ENAMETOOLONG when the path is longer than ``maximumPathLength``, EADDRINUSE when it exists.
    public static func bind(_ socket: borrowing OwnedDescriptor, to path: String, mode: FilePermissions) throws(Errno) {
        let descriptor = socket.raw
        try tryingSystemCall { fchmod(descriptor, mode.rawValue) }
        try tryingSystemCall { clinux_bind_unix(descriptor, path) }
    }

    /// Lets clients connect.
    ///
    /// C: `listen`
    public static func listen(_ socket: borrowing OwnedDescriptor, backlog: Int = Int(SOMAXCONN)) throws(Errno) {
        let descriptor = socket.raw
        try tryingSystemCall { Glibc.listen(descriptor, CInt(clamping: backlog)) }
    }

    /// Accepts the next client.
    ///
    /// C: `accept4`. EAGAIN when none is waiting; with EMFILE and other errors the client stays in the queue.
    public static func accept(
        _ listener: borrowing OwnedDescriptor, nonblocking: Bool = false
    ) throws(Errno) -> OwnedDescriptor {
        OwnedDescriptor(adopting: try acceptRaw(listener.raw, nonblocking: nonblocking))
    }

    static func acceptRaw(_ listener: CInt, nonblocking: Bool) throws(Errno) -> CInt {
        try tryingSystemCall { clinux_accept(listener, nonblocking ? 1 : 0) }
    }

    /// Connects to the socket at `path`.
    ///
    /// The path may be longer than ``maximumPathLength``, as that of a socket in another mount namespace often is: then
    /// its directory is opened, and the socket is named relative to it.
    ///
    /// C: `connect`. ENOENT: no such file; ECONNREFUSED: no listener; EAGAIN: the server's queue is full (at once when
    /// non-blocking, after the send timeout when blocking); ENAMETOOLONG when the file name alone is too long.
    public static func connect(_ socket: borrowing OwnedDescriptor, to path: String) throws(Errno) {
        let descriptor = socket.raw
        guard path.utf8.count > maximumPathLength, let slash = path.lastIndex(of: "/") else {
            try tryingSystemCall { clinux_connect_unix(descriptor, path) }
            return
        }
        let directory = String(path[...slash])
        let opened = OwnedDescriptor(
            adopting: try tryingSystemCall { Glibc.open(directory, CLINUX_O_PATH | O_DIRECTORY | O_CLOEXEC) })
        let short = "/proc/self/fd/\(opened.raw)/\(path[path.index(after: slash)...])"
        try tryingSystemCall { clinux_connect_unix(descriptor, short) }
        _ = consume opened
    }

    /// The result of a connect to `path`, without keeping the connection: `nil` when a server accepted it, EAGAIN when
    /// the server's queue is full, ECONNREFUSED without a listener, ENOENT without a file.
    ///
    /// Never waits.
    public static func probe(_ path: String) -> Errno? {
        do throws(Errno) {
            let socket = try open(nonblocking: true)
            try connect(socket, to: path)
            return nil
        } catch {
            return error
        }
    }

    /// Sends one message, completely or not at all.
    ///
    /// C: `send`. EAGAIN when the peer does not read and the socket is non-blocking; EMSGSIZE; EPIPE.
    @inline(__always)
    public static func send(_ bytes: UnsafeRawBufferPointer, on descriptor: CInt) -> Errno? {
        switch systemCall({ Glibc.send(descriptor, bytes.baseAddress, bytes.count, CInt(MSG_NOSIGNAL)) }) {
        case .success: nil
        case .failure(let error): error
        }
    }

    /// Receives one message and returns its length, which is larger than `buffer` when the message was truncated. 0 is
    /// the end of the connection, or an empty message: Linux does not distinguish them.
    ///
    /// C: `recv` with `MSG_TRUNC`
    @inline(__always)
    public static func receive(into buffer: UnsafeMutableRawBufferPointer, on descriptor: CInt) -> Result<Int, Errno> {
        systemCall { recv(descriptor, buffer.baseAddress, buffer.count, CInt(MSG_TRUNC)) }
    }

    /// The timeout of blocking send calls, including `connect`; zero: unlimited.
    ///
    /// C: `setsockopt` with `SO_SNDTIMEO`
    public static func setSendTimeout(_ socket: borrowing OwnedDescriptor, _ timeout: Duration) throws(Errno) {
        let (seconds, attoseconds) = timeout.components
        var value = timeval(tv_sec: Int(clamping: seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
        // Zero would mean unlimited.
        if timeout > .zero, value.tv_sec == 0, value.tv_usec == 0 { value.tv_usec = 1 }
        try setOption(socket.raw, SO_SNDTIMEO, value)
    }

    /// Bytes that the kernel buffers for a peer that does not read.
    ///
    /// C: `getsockopt` with `SO_SNDBUF`
    public static func sendBufferSize(_ socket: borrowing OwnedDescriptor) throws(Errno) -> Int {
        var size: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        let descriptor = socket.raw
        try tryingSystemCall { getsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &size, &length) }
        return Int(size)
    }

    /// Sets the send buffer size; Linux doubles the number and limits it to `net.core.wmem_max`.
    ///
    /// C: `setsockopt` with `SO_SNDBUF`
    public static func setSendBufferSize(_ socket: borrowing OwnedDescriptor, _ size: Int) throws(Errno) {
        try setOption(socket.raw, SO_SNDBUF, CInt(clamping: size))
    }

    private static func setOption<Value: BitwiseCopyable>(
        _ descriptor: CInt, _ name: CInt, _ value: Value
    ) throws(Errno) {
        var value = value
        try tryingSystemCall {
            setsockopt(descriptor, SOL_SOCKET, name, &value, socklen_t(MemoryLayout<Value>.size))
        }
    }
}

/// Two connected descriptors.
public struct DescriptorPair: ~Copyable, Sendable {
    /// One end.
    public let first: OwnedDescriptor
    /// The other end.
    public let second: OwnedDescriptor

    /// Releases both ends without closing them.
    public consuming func release() -> (first: CInt, second: CInt) { (first.release(), second.release()) }

    /// Releases one end without closing it, and closes the other one.
    consuming func releaseFirst() -> CInt { first.release() }
}
