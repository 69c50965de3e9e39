/// What a frame is for. A number that was assigned once is never used for another kind.
public enum FrameKind: UInt16, Sendable, CaseIterable {
    /// Guest to host: starts a session; ``LinkHello``. Repeated until it is answered.
    case hello = 1
    /// Host to guest: the session exists; ``LinkWelcome``.
    case welcome = 2
    /// Both: the sender is alive.
    case heartbeat = 3
    /// The opener of a connection: ``OpenRequest``.
    case open = 4
    /// One packet of a connection.
    case packet = 5
    /// The opener: its socket has ended, nothing more is sent. The other side: the connection does not exist any more;
    /// this is always the last frame of a connection.
    case close = 6
    /// Guest to host: the application's doorbell.
    case bell = 7
    /// Guest to host: the names of its telemetry sockets; ``SourceList``.
    case sources = 8
    /// Both: why the sender ends the session; ``SessionFailure``.
    case failed = 9

    /// The longest payload, in bytes.
    public var maximumPayloadLength: Int {
        switch self {
        case .heartbeat, .close, .bell: 0
        case .hello, .welcome, .open, .failed: LinkHello.maximumLength
        case .sources: SourceList.maximumLength
        case .packet: FrameHeader.maximumPayloadLength
        }
    }
}

/// The header of a frame: one unit of the byte stream between a host and a guest.
///
/// ```
/// 0         4       6       8               16            20
/// │ magic   │ kind  │ 0     │ nonce         │ connection  │ length of the payload │ payload
/// ```
///
/// All numbers are little-endian.
public struct FrameHeader: Sendable, Equatable {
    /// The length of a header in bytes.
    public static let byteCount = 24
    /// The first four bytes of each frame.
    public static let magic: UInt32 = 0x4F41_4D44  // "DMAO"
    /// The longest payload in bytes: a reply of telemetry has 131,072 bytes.
    public static let maximumPayloadLength = 132 << 10

    /// What the frame is for.
    public var kind: FrameKind
    /// Identifies the session; the guest chooses it at random, anew for each one.
    public var nonce: UInt64
    /// The connection's number in the session; 0: none. The guest opens odd numbers, the host even ones.
    public var connection: UInt32
    /// The number of bytes that follow.
    public var length: Int

    /// Makes a header; the length must be valid for the kind.
    public init(kind: FrameKind, nonce: UInt64, connection: UInt32 = 0, length: Int = 0) {
        self.kind = kind
        self.nonce = nonce
        self.connection = connection
        self.length = length
    }

    /// Decodes a header from at least ``byteCount`` bytes; `nil`: they are not a valid one.
    public init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= Self.byteCount else { return nil }
        func number<Number: FixedWidthInteger>(at offset: Int, _: Number.Type = Number.self) -> Number {
            Number(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Number.self))
        }
        guard number(at: 0, UInt32.self) == Self.magic, let kind = FrameKind(rawValue: number(at: 4)),
            number(at: 6, UInt16.self) == 0
        else { return nil }
        self.kind = kind
        nonce = number(at: 8)
        connection = number(at: 16)
        length = Int(number(at: 20, UInt32.self))
        guard length <= kind.maximumPayloadLength else { return nil }
    }

    /// Encodes the header into at least ``byteCount`` bytes.
    public func write(to bytes: UnsafeMutableRawBufferPointer) {
        func put(_ number: some FixedWidthInteger, at offset: Int) {
            bytes.storeBytes(of: number.littleEndian, toByteOffset: offset, as: type(of: number.littleEndian))
        }
        put(Self.magic, at: 0)
        put(kind.rawValue, at: 4)
        put(UInt16(0), at: 6)
        put(nonce, at: 8)
        put(connection, at: 16)
        put(UInt32(length), at: 20)
    }
}
