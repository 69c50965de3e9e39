import Glibc

/// The identity of a file, independent of its name: device and inode.
///
/// C: `lstat`
public struct FileIdentity: Sendable, Hashable {
    private let device: UInt
    private let inode: UInt
    /// Whether it is a Unix socket.
    public let isSocket: Bool

    /// The file at a path; a symbolic link is not followed. `nil` when it does not exist or cannot be read.
    public init?(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        device = status.st_dev
        inode = status.st_ino
        isSocket = status.st_mode & S_IFMT == S_IFSOCK
    }
}
