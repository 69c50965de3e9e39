import Glibc
import SystemPackage

/// A service's `SOCK_SEQPACKET` socket with its file, which is removed with it.
public struct ListeningSocket: ~Copyable, Sendable {
    /// Whether connections start without accepting descriptors; see
    /// ``SequencedPacketSocket/setTakesDescriptors(_:on:)``.
    public let refusesDescriptors: Bool

    private let file: SocketFile?
    /// The socket of a service manager, which owns its file.
    private let inherited: OwnedDescriptor?

    /// The socket's path.
    public let path: String
    /// Whether it replaced a socket without a server.
    public let replacedDeadSocket: Bool

    /// The descriptor's number, for a poller; non-blocking.
    public var raw: CInt {
        switch inherited {
        case .some(let socket): return socket.raw
        case .none: break
        }
        switch file {
        case .some(let file): return file.rawListener
        case .none: return -1
        }
    }

    /// Takes over the socket of a service manager, which already listens. Its file stays when this value is destroyed.
    ///
    /// - Throws: when it is no listening `SOCK_SEQPACKET` socket.
    public init(_ socket: consuming InheritedSocket) throws(SocketFile.Failure) {
        guard case .packets(let path) = socket.kind else {
            throw SocketFile.Failure(
                kind: .system, errno: .notSocket,
                description: "the socket of the service manager is no listening SOCK_SEQPACKET socket")
        }
        let descriptor = socket.takeDescriptor()
        let raw = descriptor.raw
        _ = fcntl(raw, F_SETFL, fcntl(raw, F_GETFL) | O_NONBLOCK)
        // A client that was there before may send descriptors in spite of it.
        _ = try? SequencedPacketSocket.setTakesDescriptors(false, on: raw)
        refusesDescriptors = false
        inherited = consume descriptor
        file = nil
        self.path = path
        replacedDeadSocket = false
    }

    /// Listens on the first path without a running server; an error leaves no file behind.
    ///
    /// C: `bind`, `listen`
    public init(at paths: some Collection<String>, _ layout: SocketFile.Layout) throws(SocketFile.Failure) {
        var refusesDescriptors = false
        let file = try SocketFile(at: paths, layout) { (path) throws(Errno) in
            let socket = try SequencedPacketSocket.open(nonblocking: true)
            try SequencedPacketSocket.bind(socket, to: path, mode: layout.mode)
            do throws(Errno) {
                // No client can connect yet.
                try SocketFile.setOwnership(of: path, layout)
                // Kernels before 6.16 do not support it.
                refusesDescriptors = (try? SequencedPacketSocket.setTakesDescriptors(false, on: socket.raw)) != nil
                try SequencedPacketSocket.listen(socket)
            } catch {
                unlink(path)
                throw error
            }
            return socket
        }
        self.refusesDescriptors = refusesDescriptors
        path = file.path
        replacedDeadSocket = file.replacedDeadSocket
        self.file = consume file
        inherited = nil
    }

    /// Listens at a path for other users too: only this user (or the superuser) can write to the directory, which is created
    /// if it is missing, and the socket's mode decides who may connect.
    public init(forUsersAt path: String, mode: UInt16, group: UInt32?) throws(SocketFile.Failure) {
        guard let slash = path.lastIndex(of: "/"), path.index(after: slash) != path.endIndex else {
            throw SocketFile.Failure(
                kind: .system, errno: nil, description: "\(path) is no path of a socket: it must be DIRECTORY/NAME")
        }
        let directory = slash == path.startIndex ? "/" : String(path[..<slash])
        var layout = SocketFile.Layout(
            directories: [.init(directory, mode: 0o711, allowsSuperuser: true)], lockPath: path + ".lock")
        layout.mode = FilePermissions(rawValue: CModeT(mode))
        layout.group = group
        try self.init(at: CollectionOfOne(path), layout)
    }

    /// Accepts the next client; see ``SequencedPacketSocket/accept(_:nonblocking:)``.
    public func accept(nonblocking: Bool = false) throws(Errno) -> OwnedDescriptor {
        OwnedDescriptor(adopting: try SequencedPacketSocket.acceptRaw(raw, nonblocking: nonblocking))
    }
}
