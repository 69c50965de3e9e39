import CLinux
import Glibc
import SystemPackage

/// Descriptors received with a message. Those not taken are closed when the value is destroyed.
@frozen
public struct ReceivedDescriptors: ~Copyable, Sendable {
    private var raw: [CInt]

    /// Takes over open descriptors.
    public init(adopting raw: [CInt]) {
        self.raw = raw
    }

    /// The number not yet taken.
    public var count: Int { raw.count }

    /// The first one not yet taken; it stays owned by this value.
    public var first: CInt? { raw.first }

    /// Takes the first one; the caller owns it.
    public mutating func takeFirst() -> OwnedDescriptor? {
        raw.isEmpty ? nil : OwnedDescriptor(adopting: raw.removeFirst())
    }

    /// Releases all remaining ones without closing: for callers that close them on another thread, because closing may
    /// block.
    public mutating func release() -> [CInt] {
        defer { raw = [] }
        return raw
    }

    deinit {
        for descriptor in raw { close(descriptor) }
    }
}

/// The result of ``SequencedPacketSocket/receive(into:descriptorLimit:on:)``.
@frozen
public struct ReceivedMessage: ~Copyable, Sendable {
    /// The message's length; larger than the buffer when the message was truncated. 0 is the end of the connection, or
    /// an empty message: Linux does not distinguish them.
    public let byteCount: Int
    /// More descriptors were sent than allowed: do not use the received ones.
    public let lostDescriptors: Bool
    /// The descriptors, close-on-exec.
    public var descriptors: ReceivedDescriptors
}

extension SequencedPacketSocket {
    /// Maximum number of descriptors per message.
    public static var maximumDescriptorCount: Int { Int(CLINUX_DESCRIPTORS_MAX) }

    /// Sets whether messages to this socket may contain descriptors; the default is yes. Accepted connections inherit
    /// the setting of the listener.
    ///
    /// A descriptor that is not taken out of a message is closed by the thread that reads the message or closes the
    /// socket; an untrusted peer can make that close block.
    ///
    /// C: `setsockopt` with `SO_PASSRIGHTS`. ENOPROTOOPT on kernels before 6.16; a peer that sends descriptors although
    /// they are not allowed gets EPERM.
    public static func setTakesDescriptors(_ takes: Bool, on socket: CInt) throws(Errno) {
        var value: CInt = takes ? 1 : 0
        try tryingSystemCall {
            setsockopt(socket, SOL_SOCKET, passRights, &value, socklen_t(MemoryLayout<CInt>.size))
        }
    }

    /// `SO_PASSRIGHTS`, which may be missing in the C library's header.
    private static let passRights: CInt = 83

    /// Sends one message with descriptors, completely or not at all. The caller keeps its descriptors.
    ///
    /// C: `sendmsg` with `SCM_RIGHTS`. EAGAIN when the peer does not read and the socket is non-blocking; EMSGSIZE;
    /// EPIPE; ETOOMANYREFS when too many descriptors of this user are in flight; EINVAL for more than
    /// ``maximumDescriptorCount``.
    public static func send(
        _ bytes: UnsafeRawBufferPointer, descriptors: [CInt], on socket: CInt
    ) throws(Errno) {
        try tryingSystemCall {
            clinux_send_descriptors(
                socket, bytes.baseAddress, bytes.count, descriptors, CInt(clamping: descriptors.count))
        }
    }

    /// Receives one message with its descriptors.
    ///
    /// C: `recvmsg` with `MSG_CMSG_CLOEXEC` and `MSG_TRUNC`. EAGAIN, ECONNRESET.
    ///
    /// - Parameter descriptorLimit: 0 to ``maximumDescriptorCount``.
    /// - Parameter socket: a SEQPACKET or stream socket.
    /// - Parameter buffer: receives the message.
    public static func receive(
        into buffer: UnsafeMutableRawBufferPointer, descriptorLimit: Int, on socket: CInt
    ) throws(Errno) -> ReceivedMessage {
        var raw = [CInt](repeating: -1, count: maximumDescriptorCount)
        var count: CInt = 0
        var cut: CInt = 0
        let length = try tryingSystemCall {
            clinux_receive_descriptors(
                socket, buffer.baseAddress, buffer.count, &raw, CInt(clamping: descriptorLimit), &count, &cut)
        }
        return ReceivedMessage(
            byteCount: length, lostDescriptors: cut != 0,
            descriptors: ReceivedDescriptors(adopting: Array(raw.prefix(Int(count)))))
    }
}
