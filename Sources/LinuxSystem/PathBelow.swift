import CLinux
import Glibc
public import SystemPackage

/// Opens files in directories that other users write to: no symbolic link leads elsewhere, whatever they change meanwhile.
public enum PathBelow {
    /// Opens a file below a directory, without a symbolic link on the way, in the same file system.
    ///
    /// C: `openat` with `O_NOFOLLOW` for each component. ELOOP for a symbolic link, EXDEV for another file system or a path that
    /// leaves the directory.
    ///
    /// - Parameters:
    ///   - path: relative to the directory.
    ///   - directory: an open directory.
    ///   - flags: ``readingDirectory``, or ``examining``.
    ///   - stays: false: the path may lead into other file systems.
    public static func open(
        _ path: String, below directory: borrowing OwnedDescriptor, _ flags: CInt, stays: Bool = true
    ) throws(Errno) -> OwnedDescriptor {
        let raw = directory.raw
        return OwnedDescriptor(adopting: try tryingSystemCall { clinux_open_below(raw, path, flags, stays) })
    }

    /// Opens a directory by a path whose components are trusted: symbolic links are followed.
    ///
    /// C: `open` with `O_PATH`
    public static func openTrusted(_ path: String) throws(Errno) -> OwnedDescriptor {
        OwnedDescriptor(
            adopting: try tryingSystemCall { Glibc.open(path, CLINUX_O_PATH | O_DIRECTORY | O_CLOEXEC) })
    }

    /// The names in a directory, but for `.` and `..`.
    ///
    /// - Parameters:
    ///   - directory: an open directory.
    ///   - most: names beyond this number are left out.
    public static func names(in directory: borrowing OwnedDescriptor, atMost most: Int) throws(Errno) -> [String] {
        try ProcFile.names(in: ".", in: directory.raw, atMost: most, hidden: true)
    }

    /// Connects a socket, without waiting, to the socket file that `file` is, and to no other.
    ///
    /// C: `open` with `O_PATH`, `connect` to `/proc/self/fd`. ECONNREFUSED without a listener; EAGAIN: its queue is full.
    ///
    /// - Returns: the connected socket, non-blocking.
    /// - Throws: ENOTSOCK for a file that is none.
    public static func connect(
        _ name: String, below directory: borrowing OwnedDescriptor
    ) throws(Errno) -> OwnedDescriptor {
        let file = try open(name, below: directory, examining)
        guard SocketIdentity(of: file) != nil else { throw .notSocket }
        let socket = try SequencedPacketSocket.open(nonblocking: true)
        try SequencedPacketSocket.connect(socket, to: "/proc/self/fd/\(file.raw)")
        _ = consume file
        return socket
    }

    /// The flags of ``open(_:below:_:stays:)`` for a directory that is read.
    public static let readingDirectory = O_RDONLY | O_DIRECTORY
    /// The flags for a file that is only examined.
    public static let examining = CLINUX_O_PATH | O_NOFOLLOW
}

/// The file of a socket: which one it is, and whose.
public struct SocketIdentity: Sendable, Hashable {
    /// The file system and the file in it.
    public let device: UInt64, inode: UInt64
    /// The owner's user ID.
    public let owner: UInt32

    /// The file with these numbers.
    public init(device: UInt64, inode: UInt64, owner: UInt32) {
        self.device = device
        self.inode = inode
        self.owner = owner
    }

    /// The socket of an open file; `nil`: it is none.
    ///
    /// C: `fstat`
    public init?(of file: borrowing OwnedDescriptor) {
        var status = stat()
        guard fstat(file.raw, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return nil }
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        owner = status.st_uid
    }
}
