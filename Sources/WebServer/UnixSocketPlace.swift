import Glibc
import LinuxSystem
import SystemPackage

/// The file of a listening Unix socket.
///
/// The server binds in a directory of its own, which only this user may enter, and the socket is moved to its place with
/// its final mode: nobody else can connect before, and a dead socket is replaced without a moment in which none is there.
struct UnixSocketPlace: Sendable {
    /// Where clients find it.
    let path: String
    /// Where it is to be bound.
    let workPath: String

    private let directory: String

    /// - Throws: when somebody listens there, or something else lies there.
    init(_ path: String) throws(HTTPServiceError) {
        switch SequencedPacketSocket.probe(path) {
        case .noSuchFileOrDirectory?: break
        case .connectionRefused? where FileIdentity(path)?.isSocket == true: break
        case .connectionRefused?:
            throw HTTPServiceError("cannot listen on \(path): there is a file, and no socket", errno: .fileExists)
        case let error? where error != .init(rawValue: EPROTOTYPE):
            throw HTTPServiceError("cannot listen on \(path): \(error)", errno: error)
        default:
            throw HTTPServiceError("cannot listen on \(path): a server has it", errno: .addressInUse)
        }
        self.path = path
        let parent = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
        var template = Array((parent + ".dmascope-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else {
            let error = Errno(rawValue: Glibc.errno)
            throw HTTPServiceError("cannot make a directory beside \(path): \(error)", errno: error)
        }
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        workPath = directory + "/s"
        guard workPath.utf8.count <= SequencedPacketSocket.maximumPathLength else {
            removeDirectory()
            throw HTTPServiceError(
                "the path \(path) is too long: a socket's has at most \(SequencedPacketSocket.maximumPathLength) bytes, "
                    + "of which \(workPath.utf8.count - path.utf8.count) are needed here",
                errno: .fileNameTooLong)
        }
    }

    /// The server has bound: moves the socket to its place.
    func publish() throws(HTTPServiceError) -> FileIdentity? {
        defer { removeDirectory() }
        guard chmod(workPath, 0o600) == 0, rename(workPath, path) == 0 else {
            let error = Errno(rawValue: Glibc.errno)
            throw HTTPServiceError("cannot put the socket at \(path): \(error)", errno: error)
        }
        return FileIdentity(path)
    }

    /// Nothing stays of an attempt.
    func removeDirectory() {
        _ = unlink(workPath)
        _ = rmdir(directory)
    }

    /// Removes the socket, if it is still the one that was made here.
    func remove(_ identity: FileIdentity?) {
        if identity != nil, FileIdentity(path) == identity { _ = unlink(path) }
    }
}
