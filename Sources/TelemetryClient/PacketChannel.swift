import Glibc
import LinuxSystem
import SystemPackage
import TelemetryWire

/// A connected socket with a receive buffer and deadlines. Any failure closes it.
struct PacketChannel: ~Copyable {
    let path: String
    /// The server's process, user and group, from the kernel.
    let peer: PeerCredentials
    private var socket: OwnedDescriptor?
    private var buffer: [UInt8]

    /// Connects. Fails with `untrusted`, and reads nothing, if the server's user is not trusted.
    init(path: String, trust: TelemetryTrust, timeout: Duration) throws(TelemetryClientError) {
        guard !path.utf8.contains(0) else {
            throw TelemetryClientError(.invalidArgument, "a path must not contain NUL")
        }
        let connected = try Self.connect(to: path, timeout: timeout)
        let peer = try Self.peer(of: connected, at: path)
        if let refusal = trust.refusal(of: peer, at: path) { throw refusal }
        self.path = path
        self.peer = peer
        self.socket = consume connected
        self.buffer = [UInt8](repeating: 0, count: TelemetryGreeting.maximumLength)
    }

    /// Connects to the first live server whose socket is in one of these directories of a prefix, or to the given
    /// instance. Sockets whose server has ended are skipped.
    static func first(
        in directories: [String], instance: Int?, trust: TelemetryTrust, timeout: Duration
    ) throws(TelemetryClientError) -> PacketChannel {
        var failure: TelemetryClientError?
        for directory in directories {
            let sources = try TelemetryDiscovery.sources(in: directory)
            if let refusal = trust.refusal(ofDirectory: directory) { throw refusal }
            for source in sources where instance == nil || source.instance == instance {
                do throws(TelemetryClientError) {
                    return try PacketChannel(path: source.path, trust: trust, timeout: timeout)
                } catch {
                    // A live server elsewhere is no substitute for one that does not answer.
                    guard error.code == .refused || error.code == .notFound else { throw error }
                    failure = error
                }
            }
        }
        let number = instance.map { " of instance \($0)" } ?? ""
        throw failure
            ?? TelemetryClientError(
                .notFound, "no telemetry socket\(number) in \(directories.joined(separator: " or "))",
                errno: .noSuchFileOrDirectory)
    }

    /// Enlarges the buffer for replies of that length.
    mutating func makeRoom(for length: Int) {
        if length > buffer.count { buffer = [UInt8](repeating: 0, count: length) }
    }

    mutating func send(_ text: String, until deadline: MonotonicTime) throws(TelemetryClientError) {
        let descriptor = try open()
        var text = text
        while true {
            let error = text.withUTF8 { SequencedPacketSocket.send(UnsafeRawBufferPointer($0), on: descriptor) }
            switch error {
            case nil: return
            case .resourceTemporarilyUnavailable?: try wait(for: CInt(POLLOUT), on: descriptor, until: deadline)
            case let error?: throw close(.system(error, "cannot send to \(path)"))
            }
        }
    }

    /// Waits for one message and passes it to `body`. The bytes are valid only during the call.
    mutating func receive(
        until deadline: MonotonicTime, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(TelemetryClientError) {
        let descriptor = try open()
        while true {
            let result = buffer.withUnsafeMutableBytes { SequencedPacketSocket.receive(into: $0, on: descriptor) }
            switch result {
            case .success(0):
                throw close(TelemetryClientError(.disconnected, "\(path) closed the connection"))
            case .success(let length) where length > buffer.count:
                throw close(
                    TelemetryClientError(
                        .tooLong, "\(path) sent \(length) bytes; its greeting allows at most \(buffer.count)")
                )
            case .success(let length):
                buffer.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[..<length])) }
                return
            case .failure(.resourceTemporarilyUnavailable):
                try wait(for: CInt(POLLIN), on: descriptor, until: deadline)
            case .failure(let error):
                throw close(.system(error, "cannot read from \(path)"))
            }
        }
    }

    private mutating func wait(
        for events: CInt, on descriptor: CInt, until deadline: MonotonicTime
    ) throws(TelemetryClientError) {
        var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        // The remaining time is computed for each try: a signal must not restart the wait.
        switch systemCall({ poll(&entry, 1, deadline.millisecondsLeft) }) {
        case .success(0):
            throw close(TelemetryClientError(.timedOut, "\(path) did not answer in time", errno: .timedOut))
        case .success: return
        case .failure(let error): throw close(.system(error, "cannot wait for \(path)"))
        }
    }

    private func open() throws(TelemetryClientError) -> CInt {
        switch socket {
        case .some(let socket): return socket.raw
        case .none: throw TelemetryClientError(.disconnected, "the connection to \(path) was closed after a failure")
        }
    }

    private mutating func close(_ error: TelemetryClientError) -> TelemetryClientError {
        socket = nil
        return error
    }

    private static func connect(to path: String, timeout: Duration) throws(TelemetryClientError) -> OwnedDescriptor {
        do throws(Errno) {
            let socket = try SequencedPacketSocket.open()
            // With a full backlog, connect blocks; only the send timeout limits that.
            try SequencedPacketSocket.setSendTimeout(socket, timeout)
            try SequencedPacketSocket.connect(socket, to: path)
            try makeNonblocking(socket)
            return socket
        } catch {
            throw .connecting(to: path, error)
        }
    }

    private static func peer(
        of socket: borrowing OwnedDescriptor, at path: String
    ) throws(TelemetryClientError) -> PeerCredentials {
        do throws(Errno) {
            return try PeerCredentials(of: socket)
        } catch {
            throw .system(error, "cannot read the credentials of the server on \(path)")
        }
    }

    private static func makeNonblocking(_ socket: borrowing OwnedDescriptor) throws(Errno) {
        let descriptor = socket.raw
        let flags = try tryingSystemCall { fcntl(descriptor, F_GETFL) }
        try tryingSystemCall { fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) }
    }
}
