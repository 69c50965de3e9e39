import Glibc
import LinuxSystem
import Logging
import SystemPackage
import TelemetryWire

/// The socket file of a server: finds a free name, takes over dead ones, and removes what it made when it goes.
///
/// Starters of one prefix take turns through a lock file that exists only while one of them looks for its name: else
/// two could both see the same dead socket, and the slower one would remove the socket that the faster one just made.
struct SocketPlace: ~Copyable {
    /// The socket's path.
    let path: String
    /// Listens, non-blocking.
    let listener: OwnedDescriptor

    private let directories: RunDirectories
    private let identity: FileIdentity?

    /// More processes of one prefix than this are somebody's mistake.
    private static var maximumInstances: Int { 1024 }

    /// Makes the directories and the socket; an error leaves neither behind.
    init(filePrefix: String, in root: TelemetryRunDirectory, logger: Logger) throws(TelemetryServerError) {
        guard TelemetryRunDirectory.isValid(filePrefix: filePrefix) else {
            throw TelemetryServerError(
                .invalidFilePrefix,
                "\"\(filePrefix)\" is no file prefix: it must name a directory, without a slash, in 1 to 255 bytes")
        }
        try Self.checkLength(root.socketPath(filePrefix: filePrefix))
        let directories = RunDirectories(filePrefix: filePrefix, in: root)
        let lock = try directories.prepareAndLock()
        let path: String
        let listener: OwnedDescriptor
        do throws(TelemetryServerError) {
            path = try Self.freePath(filePrefix: filePrefix, in: root, logger: logger)
            listener = try Self.listen(on: path)
        } catch {
            _ = consume lock
            directories.remove()
            throw error
        }
        self.path = path
        self.listener = listener
        self.identity = FileIdentity(path)
        // Held until here: a socket that does not listen yet looks dead.
        _ = consume lock
        self.directories = directories
    }

    deinit {
        // Without the lock a starter could replace the socket between the look at it and its removal. If the lock
        // cannot be had, the small risk is better than a socket left behind.
        let lock = directories.lock()
        if identity != nil, FileIdentity(path) == identity { _ = unlink(path) }
        _ = consume lock
        directories.remove()
    }

    /// The first name of the prefix that no live server has.
    private static func freePath(
        filePrefix: String, in root: TelemetryRunDirectory, logger: Logger
    ) throws(TelemetryServerError) -> String {
        for instance in 0..<maximumInstances {
            let candidate = root.socketPath(filePrefix: filePrefix, instance: instance)
            try checkLength(candidate)
            if clear(candidate, logger: logger) { return candidate }
        }
        throw TelemetryServerError(
            .noFreeInstance, "\(maximumInstances) servers with the prefix \(filePrefix) run already")
    }

    private static func listen(on path: String) throws(TelemetryServerError) -> OwnedDescriptor {
        var isBound = false
        do throws(Errno) {
            let socket = try SequencedPacketSocket.open(nonblocking: true)
            try SequencedPacketSocket.bind(socket, to: path, mode: [.ownerReadWrite])
            isBound = true
            // Nobody has a reason to send a descriptor, and to close one can take long. Kernels before 6.16 let them in.
            try? SequencedPacketSocket.setTakesDescriptors(false, on: socket.raw)
            try SequencedPacketSocket.listen(socket)
            return socket
        } catch {
            if isBound { _ = unlink(path) }
            throw TelemetryServerError(.system, "cannot listen on \(path): \(error)", errno: error)
        }
    }

    /// Whether the name is free now: nothing there, or a dead socket, which is removed.
    private static func clear(_ path: String, logger: Logger) -> Bool {
        switch SequencedPacketSocket.probe(path) {
        case .noSuchFileOrDirectory?:
            return true
        case .connectionRefused?:
            // A file that is no socket refuses connections too; that one is not ours to remove.
            guard FileIdentity(path)?.isSocket == true, unlink(path) == 0 else { return false }
            logger.info("replaced a dead socket", metadata: ["path": "\(path)"])
            return true
        default:
            return false
        }
    }

    private static func checkLength(_ path: String) throws(TelemetryServerError) {
        guard path.utf8.count <= SequencedPacketSocket.maximumPathLength, !path.utf8.contains(0) else {
            throw TelemetryServerError(
                .pathTooLong,
                "the path \(path) has \(path.utf8.count) bytes; a socket's path has at most "
                    + "\(SequencedPacketSocket.maximumPathLength) and holds no NUL",
                errno: .fileNameTooLong)
        }
    }
}
