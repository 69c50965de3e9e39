internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// The socket file of a controller: replaces a dead one, and is removed when the controller goes.
///
/// Starters take turns through a lock file: else two could both see the same dead socket, and the slower one would
/// remove the socket that the faster one just made.
struct ControlSocketPlace: ~Copyable {
    /// The socket's path.
    let path: String
    /// Listens, non-blocking.
    let listener: OwnedDescriptor
    /// Who connects cannot send descriptors until it is allowed on that connection.
    let keepsDescriptorsOut: Bool

    private let identity: (device: UInt, inode: UInt)
    private let directory: String

    /// A controller that stops may remove the directory just when another one wants to use it.
    private static let attempts = 100

    /// Makes the socket, and its directory when there is none; an error leaves neither behind.
    ///
    /// - Parameter path: in a directory that belongs to this user (or the superuser) and that nobody else can write to.
    init(path: String, mode: UInt16, group: UInt32?) throws(ControllerError) {
        guard path.utf8.count <= SequencedPacketSocket.maximumPathLength, !path.utf8.contains(0) else {
            throw ControllerError(
                "the path \(path) has \(path.utf8.count) bytes; a socket's path has at most "
                    + "\(SequencedPacketSocket.maximumPathLength) and holds no NUL")
        }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count > 1, let name = parts.last, !name.isEmpty else {
            throw ControllerError("\(path) names no socket in a directory")
        }
        let directory = parts.count == 2 ? "/" : parts.dropLast().joined(separator: "/")
        do throws(ControllerError) {
            let lock = try Self.prepareAndLock(directory, path)
            try Self.clear(path)
            var keepsDescriptorsOut = false
            let socket = try Self.listen(
                on: path, mode: mode, group: group, keepsDescriptorsOut: &keepsDescriptorsOut)
            var status = stat()
            guard lstat(path, &status) == 0 else { throw ControllerError("cannot look at \(path)") }
            identity = (status.st_dev, status.st_ino)
            listener = socket
            self.keepsDescriptorsOut = keepsDescriptorsOut
            // Held until here: a socket that does not listen yet looks dead.
            _ = consume lock
        } catch {
            Self.remove(directory)
            throw error
        }
        self.path = path
        self.directory = directory
    }

    deinit {
        // Without the lock a starter could replace the socket between the look at it and its removal. If the lock cannot
        // be had, the small risk is better than a socket left behind.
        let lock = try? FileLock(path: path + ".lock")
        var status = stat()
        if lstat(path, &status) == 0, (status.st_dev, status.st_ino) == identity { unlink(path) }
        _ = consume lock
        Self.remove(directory)
    }

    /// Removes the directory when it is empty and as it would be made again, so that nobody misses it. One with another
    /// owner or mode is somebody's choice and stays.
    private static func remove(_ directory: String) {
        var status = stat()
        guard lstat(directory, &status) == 0, status.st_uid == geteuid(), status.st_mode & 0o7777 == directoryMode
        else {
            return
        }
        rmdir(directory)
    }

    private static let directoryMode: mode_t = 0o711

    private static func prepareAndLock(_ directory: String, _ path: String) throws(ControllerError) -> FileLock {
        var attempt = 1
        while true {
            do throws(PrivateDirectory.Refusal) {
                // Made for this user alone. The socket's own mode says who may connect: others need to come to it.
                if try PrivateDirectory.prepare(directory, allowsSuperuser: true) { chmod(directory, directoryMode) }
                do throws(Errno) {
                    return try FileLock(path: path + ".lock")
                } catch {
                    throw PrivateDirectory.Refusal(errno: error, reason: "cannot lock \(path): \(error)")
                }
            } catch {
                guard error.errno == .noSuchFileOrDirectory, attempt < attempts else {
                    throw ControllerError(error.reason)
                }
            }
            attempt += 1
        }
    }

    /// Makes the name free, or says why it is not.
    private static func clear(_ path: String) throws(ControllerError) {
        switch SequencedPacketSocket.probe(path) {
        case .noSuchFileOrDirectory?:
            return
        case .connectionRefused?:
            var status = stat()
            guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK, unlink(path) == 0 else {
                throw ControllerError("\(path) is there and is no socket of this user; remove it or take another path")
            }
        case let error:
            let why = error.map { "\($0)" } ?? "it answers"
            throw ControllerError("a controller is at \(path) already (\(why)); take another path", isTaken: true)
        }
    }

    private static func listen(
        on path: String, mode: UInt16, group: UInt32?, keepsDescriptorsOut: inout Bool
    ) throws(ControllerError) -> OwnedDescriptor {
        var isBound = false
        do throws(Errno) {
            let socket = try SequencedPacketSocket.open(nonblocking: true)
            try SequencedPacketSocket.bind(socket, to: path, mode: FilePermissions(rawValue: CModeT(mode)))
            isBound = true
            // What the umask took away is given back, and the group set, while nobody can connect yet.
            if let group { try tryingSystemCall { lchown(path, uid_t.max, group) } }
            try tryingSystemCall { chmod(path, mode_t(mode)) }
            // Kernels before 6.16 do not know that.
            keepsDescriptorsOut = (try? SequencedPacketSocket.setTakesDescriptors(false, on: socket.raw)) != nil
            try SequencedPacketSocket.listen(socket)
            return socket
        } catch {
            if isBound { unlink(path) }
            throw ControllerError("cannot listen on \(path): \(error)")
        }
    }
}
