import CLinux
import Glibc
import SystemPackage

/// Descriptors that a message brought: closed when the value goes, but for those that were taken.
@frozen
public struct ReceivedDescriptors: ~Copyable, Sendable {
    private var raw: [CInt]

    /// Takes over open descriptors.
    public init(adopting raw: [CInt]) {
        self.raw = raw
    }

    /// How many are left.
    public var count: Int { raw.count }

    /// The first that is left, to look at it; it stays here.
    public var first: CInt? { raw.first }

    /// Takes the first that is left.
    public mutating func takeFirst() -> OwnedDescriptor? {
        raw.isEmpty ? nil : OwnedDescriptor(adopting: raw.removeFirst())
    }

    /// Gives up all that are left, open: for who closes them on another thread, because closing may block.
    public mutating func release() -> [CInt] {
        defer { raw = [] }
        return raw
    }

    deinit {
        for descriptor in raw { close(descriptor) }
    }
}

/// What ``SequencedPacketSocket/receive(into:descriptorLimit:on:)`` found.
@frozen
public struct ReceivedMessage: ~Copyable, Sendable {
    /// The message's length, which is more than the buffer holds when the message was cut. 0 is the end of the
    /// connection, or an empty message: Linux does not tell them apart.
    public let byteCount: Int
    /// More descriptors came than were allowed: what did come is not to be used.
    public let lostDescriptors: Bool
    /// The descriptors, close-on-exec.
    public var descriptors: ReceivedDescriptors
}

extension SequencedPacketSocket {
    /// The most descriptors in one message.
    public static var maximumDescriptorCount: Int { Int(CLINUX_DESCRIPTORS_MAX) }

    /// Says whether messages to this socket may bring descriptors; usually they may. Connections that a listener takes
    /// begin as the listener is.
    ///
    /// A descriptor that nobody takes out of the message is closed by the one who reads it, or closes the socket; a
    /// stranger can make that last.
    ///
    /// C: `setsockopt` with `SO_PASSRIGHTS`. ENOPROTOOPT on kernels before 6.16; who sends descriptors where there may be
    /// none gets EPERM.
    public static func setTakesDescriptors(_ takes: Bool, on socket: CInt) throws(Errno) {
        var value: CInt = takes ? 1 : 0
        try tryingSystemCall {
            setsockopt(socket, SOL_SOCKET, passRights, &value, socklen_t(MemoryLayout<CInt>.size))
        }
    }

    /// `SO_PASSRIGHTS`, which the C library's header may not have yet.
    private static let passRights: CInt = 83

    /// Sends one message with descriptors, whole or not at all. The descriptors stay the caller's, too.
    ///
    /// C: `sendmsg` with `SCM_RIGHTS`. EAGAIN when the peer does not read and the socket is non-blocking; EMSGSIZE;
    /// EPIPE; ETOOMANYREFS when too many descriptors of this user are on their way; EINVAL for more than
    /// ``maximumDescriptorCount``.
    public static func send(
        _ bytes: UnsafeRawBufferPointer, descriptors: [CInt], on socket: CInt
    ) throws(Errno) {
        try tryingSystemCall {
            clinux_send_descriptors(
                socket, bytes.baseAddress, bytes.count, descriptors, CInt(clamping: descriptors.count))
        }
    }

    /// Receives one message and the descriptors that it brings.
    ///
    /// C: `recvmsg` with `MSG_CMSG_CLOEXEC` and `MSG_TRUNC`. EAGAIN, ECONNRESET.
    ///
    /// - Parameter descriptorLimit: 0 to ``maximumDescriptorCount``.
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
