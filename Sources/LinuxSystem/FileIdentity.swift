import Glibc

/// What makes a file the same file, whatever its name.
///
/// C: `lstat`
public struct FileIdentity: Sendable, Hashable {
    private let device: UInt
    private let inode: UInt
    /// Whether it is a Unix socket.
    public let isSocket: Bool

    /// The file at a path; a symbolic link is not followed. `nil` when there is none, or it cannot be asked.
    public init?(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        device = status.st_dev
        inode = status.st_ino
        isSocket = status.st_mode & S_IFMT == S_IFSOCK
    }
}
