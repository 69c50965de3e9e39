import Glibc
public import SystemPackage

/// The identity of a file, independent of its name: device and inode.
///
/// The system may give the number of a file that no longer exists to another one.
///
/// C: `lstat`, `fstat`
public struct FileIdentity: Sendable, Hashable {
    /// The device number of its file system.
    public let device: UInt
    /// Its inode number.
    public let inode: UInt
    /// Whether it is a Unix socket.
    public let isSocket: Bool

    /// The file at a path; a symbolic link is not followed. `nil` when it does not exist or cannot be read.
    public init?(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        self.init(status)
    }

    /// An open file. Only for one whose kind was checked: for others the call may block.
    public init(of descriptor: CInt) throws(Errno) {
        var status = stat()
        try tryingSystemCall { fstat(descriptor, &status) }
        self.init(status)
    }

    init(_ status: stat) {
        device = status.st_dev
        inode = status.st_ino
        isSocket = status.st_mode & S_IFMT == S_IFSOCK
    }
}
