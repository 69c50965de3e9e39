import CLinux
import Glibc
import SystemPackage

/// Unix sockets without message boundaries (`SOCK_STREAM`). All descriptors are close-on-exec and non-blocking.
public enum StreamSocket {
    /// Connects to the socket at `path`.
    ///
    /// C: `socket`, `connect`. ENOENT: no such file; ECONNREFUSED: no listener; EAGAIN: the server's queue is full;
    /// ENAMETOOLONG.
    public static func connect(to path: String) throws(Errno) -> OwnedDescriptor {
        let socket = try open()
        let raw = socket.raw
        try tryingSystemCall { clinux_connect_unix(raw, path) }
        return socket
    }

    /// Listens at a path where no file is. The caller removes the file.
    ///
    /// C: `socket`, `bind`, `listen`. EADDRINUSE when the path exists; ENAMETOOLONG.
    public static func listen(at path: String) throws(Errno) -> OwnedDescriptor {
        let socket = try open()
        let raw = socket.raw
        try tryingSystemCall { fchmod(raw, 0o600) }
        try tryingSystemCall { clinux_bind_unix(raw, path) }
        try tryingSystemCall { Glibc.listen(raw, 8) }
        return socket
    }

    /// Two sockets that are connected to each other.
    ///
    /// C: `socketpair`
    public static func pair() throws(Errno) -> DescriptorPair {
        var both: [CInt] = [-1, -1]
        try tryingSystemCall { socketpair(AF_UNIX, type, 0, &both) }
        return DescriptorPair(first: OwnedDescriptor(adopting: both[0]), second: OwnedDescriptor(adopting: both[1]))
    }

    private static var type: CInt {
        CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
    }

    private static func open() throws(Errno) -> OwnedDescriptor {
        OwnedDescriptor(adopting: try tryingSystemCall { socket(AF_UNIX, type, 0) })
    }
}
