import Glibc
public import LinuxSystem
import SystemPackage

/// Finds and connects telemetry sockets with the rights of another process, which runs a ``ConnectorService``.
///
/// Any thread may use it. After a failure of the other process every call fails, and that process ends.
public final class SourceConnector: Sendable {
    /// The roots that the other process searches, as it was given them.
    public let roots: [String]

    /// `nil` after a failure.
    private let connection: Locked<Connection?>

    /// A class, because a value of ``Locked`` can be copied.
    private final class Connection: Sendable {
        let socket: OwnedDescriptor

        init(_ socket: consuming OwnedDescriptor) {
            self.socket = socket
        }
    }

    /// The time for one message of the other process, which waits for no one.
    private static let timeout = Duration.seconds(10)
    /// Places of one search; more would need thousands of users.
    private static let entryLimit = 1 << 16

    /// - Parameters:
    ///   - socket: the other end of that of the service.
    ///   - roots: the directories in which it looks for `dpdk/PREFIX`; with `/*` at the end, all directories in it.
    public init(_ socket: consuming OwnedDescriptor, roots: [String]) {
        self.roots = roots
        connection = Locked(Connection(socket))
    }

    /// A place that was found.
    package enum Place {
        case socket(TelemetrySource, SocketIdentity)
        case obstacle(TelemetrySource, TelemetryClientError)
    }

    /// All sockets in the run directories of all users, and the directories that even the other process cannot read.
    ///
    /// - Throws: when the other process has failed.
    package func search() throws(TelemetryClientError) -> [Place] {
        do throws(Errno) {
            return try exchange(.search) { (raw) throws(Errno) in
                var places: [Place] = []
                while true {
                    let message = try Self.receive(on: raw, atMost: ConnectorEntry.maximumLength, descriptorLimit: 0)
                    guard let entry = ConnectorEntry(message.bytes), places.count < Self.entryLimit else {
                        throw .protocolError
                    }
                    switch entry {
                    case .end: return places
                    case .socket(let path, let device, let inode, let owner):
                        places.append(
                            .socket(
                                TelemetrySource(path: path),
                                SocketIdentity(device: device, inode: inode, owner: owner)))
                    case .obstacle(let path, let errno):
                        places.append(Self.obstacle(path, Errno(rawValue: errno)))
                    }
                }
            }
        } catch {
            throw .system(error, "cannot search the run directories: the connector has failed")
        }
    }

    /// Connects to a socket that a search has found.
    ///
    /// - Throws: as `connect`; ENOENT for a path that is below none of the roots; EPROTO when the other process has failed.
    package func connect(to path: String) throws(Errno) -> OwnedDescriptor {
        guard path.utf8.count < ConnectorRequest.maximumLength else { throw .fileNameTooLong }
        let raw = try exchange(.connect(path: path)) { (raw) throws(Errno) in
            var message = try Self.receive(on: raw, atMost: ConnectorAnswer.length, descriptorLimit: 1)
            guard let answer = ConnectorAnswer(message.bytes) else { throw Errno.protocolError }
            if answer.errno != 0 { return Result<CInt, Errno>.failure(Errno(rawValue: answer.errno)) }
            guard let connected = message.descriptors.takeFirst() else { throw Errno.protocolError }
            return .success(connected.release())
        }
        return OwnedDescriptor(adopting: try raw.get())
    }

    /// Sends a request and receives what belongs to it. An error of `body` ends the connection.
    private func exchange<Value>(
        _ request: ConnectorRequest, _ body: (CInt) throws(Errno) -> Value
    ) throws(Errno) -> Value {
        try connection.withLock { (connection) throws(Errno) in
            guard let socket = connection?.socket.raw else { throw Errno.protocolError }
            do throws(Errno) {
                let error = request.bytes.withUnsafeBytes { SequencedPacketSocket.send($0, on: socket) }
                if let error { throw error }
                return try body(socket)
            } catch {
                connection = nil
                throw Errno.protocolError
            }
        }
    }

    private struct Message: ~Copyable {
        let bytes: [UInt8]
        var descriptors: ReceivedDescriptors
    }

    private static func receive(on raw: CInt, atMost length: Int, descriptorLimit: Int) throws(Errno) -> Message {
        var entry = pollfd(fd: raw, events: Int16(POLLIN), revents: 0)
        let deadline = MonotonicTime.now.advanced(by: timeout)
        guard try tryingSystemCall({ poll(&entry, 1, deadline.millisecondsLeft) }) > 0 else { throw .timedOut }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: length, alignment: 16)
        defer { buffer.deallocate() }
        let received = try SequencedPacketSocket.receive(into: buffer, descriptorLimit: descriptorLimit, on: raw)
        guard (1...length).contains(received.byteCount), !received.lostDescriptors else { throw .protocolError }
        let bytes = [UInt8](buffer[..<received.byteCount])
        return Message(bytes: bytes, descriptors: received.descriptors)
    }

    private static func obstacle(_ path: String, _ errno: Errno) -> Place {
        let isPrefix = TelemetryDiscovery.isDirectoryOfPrefix(path)
        let source =
            isPrefix
            ? TelemetrySource(path: path) : TelemetrySource(runDirectory: path, prefix: "", instance: nil)
        let error =
            errno.rawValue == E2BIG
            ? TelemetryClientError(.unreadable, "\(path) has more sockets than are read", errno: errno)
            : TelemetryClientError.unreadable(path, errno)
        return .obstacle(source, isPrefix ? error : error.asUnreadable)
    }
}
