import Glibc
import SystemPackage

/// The file of a service's Unix socket: made under a lock, in place of one whose server is dead, and removed with this
/// value unless somebody else has replaced it meanwhile.
///
/// Starters take turns through a lock file: else two could both see the same dead socket, and the slower one would
/// remove the socket that the faster one just made.
public struct SocketFile: ~Copyable, Sendable {
    /// Where the file lies, and who may connect.
    public struct Layout: Sendable {
        /// A directory that is made when it is missing, and removed when it is empty and still as it was made.
        public struct Directory: Sendable {
            let path: String
            let mode: UInt16
            let allowsSuperuser: Bool

            /// - Parameters:
            ///   - mode: others may enter it, but never write to it.
            ///   - allowsSuperuser: whether it may belong to the superuser as well as to this user.
            public init(_ path: String, mode: UInt16 = 0o700, allowsSuperuser: Bool = false) {
                self.path = path
                self.mode = mode
                self.allowsSuperuser = allowsSuperuser
            }
        }

        /// Outermost first. A parent that is not among them must exist, and is not checked.
        public var directories: [Directory]
        /// The lock's path, the same for all who compete for a name.
        public var lockPath: String
        /// The socket's mode, whatever the umask is.
        public var mode: FilePermissions = [.ownerReadWrite]
        /// The socket's group; `nil`: the process's own.
        public var group: UInt32?

        /// A socket for this user alone.
        public init(directories: [Directory] = [], lockPath: String) {
            self.directories = directories
            self.lockPath = lockPath
        }
    }

    /// Why there is no socket.
    public struct Failure: Error, Sendable, CustomStringConvertible {
        /// What kind of failure.
        public enum Kind: Sendable {
            /// The path does not fit into a socket's address.
            case pathTooLong
            /// A directory cannot be made, locked, or trusted.
            case directoryRefused
            /// A server has every path; `errno` is what a connect to the last one said, `nil` when it succeeded.
            case inUse
            /// Something lies there that is no socket, or cannot be removed.
            case notReplaceable
            /// A system call failed.
            case system
        }

        /// What kind of failure.
        public let kind: Kind
        /// What the system said, when it was the system.
        public let errno: Errno?
        /// What was wrong, in one sentence.
        public let description: String
    }

    /// The socket's path.
    public let path: String
    /// Whether a dead socket was there before.
    public let replacedDeadSocket: Bool

    /// Listens, and outlives the file: as long as a socket is open no other file gets its inode number, by which it is
    /// known. `nil` when somebody else has it.
    let listener: OwnedDescriptor?

    private let layout: Layout
    private let identity: FileIdentity?

    /// A process that stops may remove a directory just when another one wants to use it.
    private static let attempts = 100

    /// Makes the file at the first path that no live server has; an error leaves nothing behind.
    ///
    /// - Parameter make: makes the socket file. It must accept connections when this returns: a socket that does not
    ///   listen yet looks dead.
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

    /// Moves a socket that listens already, elsewhere in the same file system, to its place. Whoever listens must do so
    /// until this value is gone.
    public init(at path: String, _ layout: Layout, movedFrom origin: String) throws(Failure) {
        try self.init(at: CollectionOfOne(path), layout) { (path) throws(Errno) in
            try Self.setOwnership(of: origin, layout)
            try tryingSystemCall { rename(origin, path) }
            return nil
        }
    }

    deinit {
        // Without the lock a starter could replace the socket between the look at it and its removal. If the lock
        // cannot be had, the small risk is better than a socket left behind.
        let lock = try? FileLock(path: layout.lockPath)
        if identity != nil, FileIdentity(path) == identity { _ = unlink(path) }
        _ = consume lock
        Self.removeDirectories(layout)
    }

    /// Removes the file before this value would go by itself.
    public consuming func remove() {}

    /// Gives the file its group and mode, of which `bind` lets the umask take a part.
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
                    + "\(SequencedPacketSocket.maximumPathLength) and holds no NUL")
        }
    }

    private static func prepareAndLock(_ layout: Layout) throws(Failure) -> FileLock {
        var attempt = 1
        while true {
            do throws(PrivateDirectory.Refusal) {
                for directory in layout.directories {
                    let isNew = try PrivateDirectory.prepare(
                        directory.path, allowsSuperuser: directory.allowsSuperuser)
                    if isNew, directory.mode != 0o700 { chmod(directory.path, mode_t(directory.mode)) }
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

    /// Removes the directories that are empty and as they would be made again, so that nobody misses them. One with
    /// another owner or mode is somebody's choice and stays.
    private static func removeDirectories(_ layout: Layout) {
        for directory in layout.directories.reversed() {
            var status = stat()
            guard lstat(directory.path, &status) == 0, status.st_uid == geteuid(),
                status.st_mode & 0o7777 == mode_t(directory.mode), rmdir(directory.path) == 0
            else { return }
        }
    }

    /// The first path that nobody listens on; a dead socket that was there is removed.
    private static func freePath(
        _ paths: some Collection<String>
    ) throws(Failure) -> (path: String, replacedDeadSocket: Bool) {
        var failure = Failure(kind: .inUse, errno: nil, description: "there is no path")
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

    /// Whether a socket lies there on which nobody listens; `false` when there is nothing. Changes nothing, and holds for
    /// this moment only.
    ///
    /// - Throws: `pathTooLong`, `inUse`, `notReplaceable`.
    @discardableResult
    public static func hasDeadSocket(_ path: String) throws(Failure) -> Bool {
        try checkLength(of: path)
        switch SequencedPacketSocket.probe(path) {
        case .noSuchFileOrDirectory?: return false
        case .connectionRefused?:
            // A file that is no socket refuses connections, too; that one is not ours to remove.
            guard FileIdentity(path)?.isSocket == true else { throw notReplaceable(path) }
            return true
        case let error:
            throw Failure(
                kind: .inUse, errno: error,
                description: "\(path) has a server (\(error.map { "\($0)" } ?? "it answers")); take another path")
        }
    }

    private static func notReplaceable(_ path: String) -> Failure {
        Failure(
            kind: .notReplaceable, errno: .fileExists,
            description: "\(path) is there and is no socket of this user; remove it or take another path")
    }
}
