import Glibc
import LinuxSystem
import SystemPackage

/// The path of the server's Unix socket, and a temporary directory in which Hummingbird binds it. Only this user can enter
/// the directory, so no other user can connect before the socket has its final mode. The socket is then moved to its path.
struct UnixSocketLocation: Sendable {
    /// The temporary path at which Hummingbird binds the socket.
    let workPath: String

    private let path: String
    private let mode: UInt16
    private let group: UInt32?
    private let directory: String

    /// - Parameters:
    ///   - path: the path for clients.
    ///   - mode: the permissions of the socket.
    ///   - group: its group; `nil`: the group of the process.
    /// - Throws: when a server listens at the path, or a file that is no socket exists there.
    init(_ path: String, _ mode: UInt16, _ group: UInt32?) throws(HTTPServiceError) {
        do throws(SocketFile.Failure) { try SocketFile.hasDeadSocket(path) } catch {
            throw HTTPServiceError(error, path)
        }
        let parent = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
        var template = Array((parent + ".dmascope-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else {
            let error = Errno(rawValue: Glibc.errno)
            throw HTTPServiceError("cannot create a directory next to \(path): \(error)", errno: error)
        }
        self.path = path
        self.mode = mode
        self.group = group
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        workPath = directory + "/s"
        guard workPath.utf8.count <= SequencedPacketSocket.maximumPathLength else {
            removeDirectory()
            throw HTTPServiceError(
                "the path \(path) is too long: the path of a socket has at most \(SequencedPacketSocket.maximumPathLength) bytes, "
                    + "of which this server needs \(workPath.utf8.count - path.utf8.count) for itself",
                errno: .fileNameTooLong)
        }
    }

    /// Moves the listening socket to its path.
    ///
    /// - Throws: when another server has started to listen at the path meanwhile.
    func publish() throws(HTTPServiceError) -> SocketFile {
        defer { removeDirectory() }
        do throws(SocketFile.Failure) {
            var layout = SocketFile.Layout(lockPath: path + ".lock")
            layout.mode = FilePermissions(rawValue: CModeT(mode))
            layout.group = group
            return try SocketFile(at: path, layout, movedFrom: workPath)
        } catch {
            throw HTTPServiceError(error, path)
        }
    }

    /// Removes the temporary directory and a socket in it. Errors are ignored.
    func removeDirectory() {
        _ = unlink(workPath)
        _ = rmdir(directory)
    }
}

extension HTTPServiceError {
    fileprivate init(_ failure: SocketFile.Failure, _ path: String) {
        switch failure.kind {
        case .notReplaceable:
            self.init("cannot listen on \(path): a file that is no socket exists there", errno: .fileExists)
        // A server of another socket type listens there, or its backlog is full.
        case .inUse where [nil, Errno(rawValue: EPROTOTYPE), .resourceTemporarilyUnavailable].contains(failure.errno):
            self.init("cannot listen on \(path): another server listens there", errno: .addressInUse)
        default:
            let reason = failure.errno.map { "\($0)" } ?? failure.description
            self.init("cannot listen on \(path): \(reason)", errno: failure.errno)
        }
    }
}
