import Glibc
import LinuxSystem
import SystemPackage

/// Where Hummingbird, which binds by itself, makes a Unix socket before it is moved to its place: a directory of its own,
/// which only this user may enter, so that nobody else can connect before the socket has its final mode.
struct UnixSocketPlace: Sendable {
    /// Where it is to be bound.
    let workPath: String

    private let path: String
    private let directory: String

    /// - Parameter path: where clients are to find the socket.
    /// - Throws: when somebody listens there, or something else lies there.
    init(_ path: String) throws(HTTPServiceError) {
        do throws(SocketFile.Failure) { try SocketFile.hasDeadSocket(path) } catch {
            throw HTTPServiceError(error, path)
        }
        let parent = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
        var template = Array((parent + ".dmascope-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else {
            let error = Errno(rawValue: Glibc.errno)
            throw HTTPServiceError("cannot make a directory beside \(path): \(error)", errno: error)
        }
        self.path = path
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

    /// Moves the socket, which listens by now, to its place.
    ///
    /// - Throws: when another server has come there meanwhile.
    func publish() throws(HTTPServiceError) -> SocketFile {
        defer { removeDirectory() }
        do throws(SocketFile.Failure) {
            return try SocketFile(at: path, .init(lockPath: path + ".lock"), movedFrom: workPath)
        } catch {
            throw HTTPServiceError(error, path)
        }
    }

    /// Nothing stays of an attempt.
    func removeDirectory() {
        _ = unlink(workPath)
        _ = rmdir(directory)
    }
}

extension HTTPServiceError {
    fileprivate init(_ failure: SocketFile.Failure, _ path: String) {
        switch failure.kind {
        case .notReplaceable:
            self.init("cannot listen on \(path): there is a file, and no socket", errno: .fileExists)
        // Who is there has another protocol, or no time.
        case .inUse where [nil, Errno(rawValue: EPROTOTYPE), .resourceTemporarilyUnavailable].contains(failure.errno):
            self.init("cannot listen on \(path): a server has it", errno: .addressInUse)
        default:
            let reason = failure.errno.map { "\($0)" } ?? failure.description
            self.init("cannot listen on \(path): \(reason)", errno: failure.errno)
        }
    }
}
