import Glibc
import LinuxSystem
import SystemPackage

/// A client without manners: sends any bytes, reads when told. Knows nothing of JSON.
public final class RawClient {
    /// What a read gave.
    public enum Message: Equatable {
        /// One message.
        case text(String)
        /// The server closed the connection.
        case closed
        /// Nothing came in time.
        case nothing
    }

    /// Something that must live as long as the client, as the server that it talks to.
    public var companion: AnyObject?

    private let socket: OwnedDescriptor
    private var buffer = [UInt8](repeating: 0, count: 400_000)

    /// Long, because machines that run tests are busy; no test waits for it unless it fails.
    public static let patience: Int32 = 20_000

    /// Connects, and does not read the greeting.
    public init(_ path: String) throws(Errno) {
        socket = try SequencedPacketSocket.open(nonblocking: true)
        try SequencedPacketSocket.connect(socket, to: path)
    }

    /// A connection that has read its greeting.
    public static func greeted(_ path: String) throws(Errno) -> RawClient {
        let client = try RawClient(path)
        guard case .text = client.receive() else { throw .connectionReset }
        return client
    }

    /// Room for messages larger than usual.
    public func enlargeSendBuffer(_ size: Int) throws(Errno) {
        try SequencedPacketSocket.setSendBufferSize(socket, size)
    }

    /// Sends one message; the error, if any.
    @discardableResult
    public func send(_ bytes: [UInt8]) -> Errno? {
        bytes.withUnsafeBytes { SequencedPacketSocket.send($0, on: socket.raw) }
    }

    /// Sends one message; the error, if any.
    @discardableResult
    public func send(_ text: String) -> Errno? { send(Array(text.utf8)) }

    /// Sends one packet with a descriptor.
    public func send(_ text: String, descriptor: CInt) -> Errno? {
        Array(text.utf8).withUnsafeBytes { bytes in
            do throws(Errno) {
                try SequencedPacketSocket.send(bytes, descriptors: [descriptor], on: socket.raw)
                return nil
            } catch {
                return error
            }
        }
    }

    /// Waits for one message.
    public func receive(milliseconds: Int32 = RawClient.patience) -> Message {
        var entry = pollfd(fd: socket.raw, events: Int16(POLLIN), revents: 0)
        guard case .success(1) = systemCall({ poll(&entry, 1, milliseconds) }) else { return .nothing }
        switch buffer.withUnsafeMutableBytes({ SequencedPacketSocket.receive(into: $0, on: socket.raw) }) {
        case .success(0), .failure: return .closed
        case .success(let length): return .text(String(decoding: buffer[..<min(length, buffer.count)], as: UTF8.self))
        }
    }

    /// Sends a request and waits for its reply; `nil` when there is none.
    public func ask(_ text: String) -> String? { ask(Array(text.utf8)) }

    /// Sends a request and waits for its reply; `nil` when there is none.
    public func ask(_ bytes: [UInt8]) -> String? {
        guard send(bytes) == nil, case .text(let reply) = receive() else { return nil }
        return reply
    }
}
