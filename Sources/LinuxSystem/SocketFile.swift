import Glibc
import SystemPackage

/// The file of a service's Unix socket: created under a lock, replaces one without a server, and is removed with this
/// value unless another process has replaced it.
///
/// Starting processes use a lock file: otherwise two could find the same unused socket, and the slower one would remove
/// the new socket of the faster one.
public struct SocketFile: ~Copyable, Sendable {
    /// The location of the file and its access rights.
    public struct Layout: Sendable {
        /// A directory that is created if missing, and removed if it is empty and unchanged.
        public struct Directory: Sendable {
            let path: String
            let mode: UInt16
            let group: UInt32?
            let allowsSuperuser: Bool
            let isOpened: Bool

            /// - Parameters:
            ///   - mode: may permit others to enter it, but never to write to it.
            ///   - group: its group ID; `nil`: the group of the process.
            ///   - allowsSuperuser: whether it may belong to the superuser as well as to this user.
            ///   - isOpened: whether an existing directory of this user gets the group and the permissions of `mode`, too.
            ///   - path: of the directory.
            public init(
                _ path: String, mode: UInt16 = 0o700, group: UInt32? = nil, allowsSuperuser: Bool = false,
                isOpened: Bool = false
            ) {
                self.path = path
                self.mode = mode
                self.group = group
                self.allowsSuperuser = allowsSuperuser
                self.isOpened = isOpened
            }
        }

        /// Outermost first. Parents that are not listed must exist, and are not checked.
        public var directories: [Directory]
        /// The lock's path, the same for all processes that use the same names.
        public var lockPath: String
        /// The socket's mode, independent of the umask.
        public var mode: FilePermissions = [.ownerReadWrite]
        /// The socket's group; `nil`: the group of the process.
        public var group: UInt32?

        /// A socket for this user only.
        public init(directories: [Directory] = [], lockPath: String) {
            self.directories = directories
            self.lockPath = lockPath
        }
    }

    /// The reason why the socket was not created.
    public struct Failure: Error, Sendable, CustomStringConvertible {
        /// The kind of failure.
        public enum Kind: Sendable {
            /// The path does not fit into a socket's address.
            case pathTooLong
            /// A directory cannot be created, locked, or trusted.
            case directoryRefused
            /// Every path has a server; `errno` is the result of a connect to the last one, `nil`: success.
            case inUse
            /// The path is not a socket, or cannot be removed.
            case notReplaceable
            /// A system call failed.
            case system
        }

        /// The kind of failure.
        public let kind: Kind
        /// The errno of a failed system call; `nil`: none failed.
        public let errno: Errno?
        /// One sentence: what was wrong.
        public let description: String
    }

    /// The socket's path.
    public let path: String
    /// Whether it replaced a socket without a server.
    public let replacedDeadSocket: Bool

    /// The listening socket. It stays open as long as the file exists: no other file can get its inode number, which
    /// identifies it. `nil` when the caller owns the socket.
    private let listener: OwnedDescriptor?

    /// The number of the listening socket's descriptor; -1 when the caller owns the socket.
    var rawListener: CInt {
        switch listener {
        case .some(let listener): listener.raw
        case .none: -1
        }
    }

    private let layout: Layout
    private let identity: FileIdentity?

    /// A stopping process may remove a directory while another one starts to use it.
    private static let attempts = 100

    /// Creates the file at the first path without a running server; an error leaves no file behind.
    ///
    /// - Parameter make: creates the socket file. The socket must listen when this returns: otherwise it looks unused.
    init(
        at paths: some Collection<String>, _ layout: Layout, make: (_ path: String) throws(Errno) -> OwnedDescriptor?
    ) throws(Failure) {
        if let first = paths.first { try Self.checkLength(of: first) }
        let lock = try Self.prepareAndLock(layout)
        let free: (path: String, replacedDeadSocket: Bool)
        let listener: OwnedDescriptor?
        do throws(Failure) {
            free = try Self.freePath(paths)
            listener = try Self.make(make, free.path)
        } catch {
            _ = consume lock
            Self.removeDirectories(layout)
            throw error
        }
        (path, replacedDeadSocket) = free
        self.listener = listener
        self.layout = layout
        identity = FileIdentity(path)
        _ = consume lock
    }

    /// Moves a listening socket from elsewhere in the same file system to its final path. It must listen as long as
    /// this value exists.
    public init(at path: String, _ layout: Layout, movedFrom origin: String) throws(Failure) {
        try self.init(at: CollectionOfOne(path), layout) { (path) throws(Errno) in
            try Self.setOwnership(of: origin, layout)
            try tryingSystemCall { rename(origin, path) }
            return nil
        }
    }

    deinit {
        // Without the lock another process could replace the socket between the check and the removal. If locking
        // fails, this small risk is better than a socket left behind.
        let lock = try? FileLock(path: layout.lockPath)
        if identity != nil, FileIdentity(path) == identity { _ = unlink(path) }
        _ = consume lock
        Self.removeDirectories(layout)
    }

    /// Removes the file before this value is destroyed.
    public consuming func remove() {}

    /// Sets the file's group and mode; `bind` had applied the umask to the mode.
    static func setOwnership(of path: String, _ layout: Layout) throws(Errno) {
        if let group = layout.group { try tryingSystemCall { lchown(path, uid_t.max, group) } }
        try tryingSystemCall { chmod(path, layout.mode.rawValue) }
    }

    private static func make(
        _ make: (_ path: String) throws(Errno) -> OwnedDescriptor?, _ path: String
    ) throws(Failure) -> OwnedDescriptor? {
        do throws(Errno) { return try make(path) } catch {
            throw Failure(kind: .system, errno: error, description: "cannot listen on \(path): \(error)")
        }
    }

    private static func checkLength(of path: String) throws(Failure) {
        guard path.utf8.count <= SequencedPacketSocket.maximumPathLength, !path.utf8.contains(0) else {
            throw Failure(
                kind: .pathTooLong, errno: .fileNameTooLong,
                description: "the path \(path) has \(path.utf8.count) bytes; a socket's path has at most "
                    + "\(SequencedPacketSocket.maximumPathLength) and contains no NUL")
        }
    }

    private static func prepareAndLock(_ layout: Layout) throws(Failure) -> FileLock {
        var attempt = 1
        while true {
            do throws(PrivateDirectory.Refusal) {
                for directory in layout.directories {
                    let isNew = try PrivateDirectory.prepare(
                        directory.path, allowsSuperuser: directory.allowsSuperuser)
                    if isNew || directory.isOpened {
                        try PrivateDirectory.open(
                            directory.path, mode: directory.mode, group: directory.group, isNew: isNew)
                    }
                }
                do throws(Errno) { return try FileLock(path: layout.lockPath) } catch {
                    throw PrivateDirectory.Refusal(errno: error, reason: "cannot lock \(layout.lockPath): \(error)")
                }
            } catch {
                guard error.errno == .noSuchFileOrDirectory, attempt < attempts, !layout.directories.isEmpty else {
                    throw Failure(kind: .directoryRefused, errno: error.errno, description: error.reason)
                }
            }
            attempt += 1
        }
    }

    /// Removes directories that are empty and would be created again in the same way. A directory with another owner or
    /// mode was set up by someone else and stays.
    private static func removeDirectories(_ layout: Layout) {
        for directory in layout.directories.reversed() {
            var status = stat()
            guard lstat(directory.path, &status) == 0, status.st_uid == geteuid(),
                status.st_mode & 0o7777 == mode_t(directory.mode), rmdir(directory.path) == 0
            else { return }
        }
    }

    /// The first path without a listener; an unused socket there is removed.
    private static func freePath(
        _ paths: some Collection<String>
    ) throws(Failure) -> (path: String, replacedDeadSocket: Bool) {
        var failure = Failure(kind: .inUse, errno: nil, description: "no path was given")
        for path in paths {
            do throws(Failure) {
                guard try hasDeadSocket(path) else { return (path, false) }
                if unlink(path) == 0 { return (path, true) }
                failure = notReplaceable(path)
            } catch {
                guard error.kind != .pathTooLong else { throw error }
                failure = error
            }
        }
        throw failure
    }

    /// Whether the path is a socket without a listener; `false` if it does not exist. A snapshot; changes nothing.
    ///
    /// - Throws: `pathTooLong`, `inUse`, `notReplaceable`.
    @discardableResult
    public static func hasDeadSocket(_ path: String) throws(Failure) -> Bool {
        try checkLength(of: path)
        switch SequencedPacketSocket.probe(path) {
        case .noSuchFileOrDirectory?: return false
        case .connectionRefused?:
            // A file that is not a socket refuses connections, too; it must not be removed.
            guard FileIdentity(path)?.isSocket == true else { throw notReplaceable(path) }
            return true
        case let error:
            throw Failure(
                kind: .inUse, errno: error,
                description: "\(path) has a server (\(error.map { "\($0)" } ?? "it answers")); use another path")
        }
    }

    private static func notReplaceable(_ path: String) -> Failure {
        Failure(
            kind: .notReplaceable, errno: .fileExists,
            description: "\(path) exists and is not a socket of this user; remove it or use another path")
    }
}
