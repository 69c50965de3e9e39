import SystemPackage

/// The messages between a ``SourceConnector`` and its ``ConnectorService``, one packet each.
///
/// All numbers are little-endian. Neither side trusts the other: what does not decode ends the connection.
enum ConnectorRequest: Equatable {
    /// Answered with an ``ConnectorEntry`` for each place, then ``ConnectorEntry/end``.
    case search
    /// Answered with a ``ConnectorAnswer``, which carries the connected socket.
    case connect(path: String)

    static let maximumLength = 4096

    var bytes: [UInt8] {
        switch self {
        case .search: [1]
        case .connect(let path): [2] + path.utf8
        }
    }

    init?(_ bytes: some Collection<UInt8>) {
        switch (bytes.first, bytes.count) {
        case (1, 1): self = .search
        case (2, 2...Self.maximumLength):
            guard let path = String(validating: bytes.dropFirst(), as: UTF8.self), !path.utf8.contains(0) else {
                return nil
            }
            self = .connect(path: path)
        default: return nil
        }
    }
}

/// One place that a search has found.
enum ConnectorEntry: Equatable {
    case end
    /// A socket, with its file and its owner.
    case socket(path: String, device: UInt64, inode: UInt64, owner: UInt32)
    /// A directory that cannot be read, or of which a part is left out.
    case obstacle(path: String, errno: Int32)

    static let maximumLength = 21 + 8192

    var bytes: [UInt8] {
        switch self {
        case .end: return [0]
        case .socket(let path, let device, let inode, let owner):
            return [1] + Self.bytes(device) + Self.bytes(inode) + Self.bytes(owner) + path.utf8
        case .obstacle(let path, let errno):
            return [2] + Self.bytes(UInt32(bitPattern: errno)) + path.utf8
        }
    }

    init?(_ bytes: some RandomAccessCollection<UInt8>) {
        let bytes = Array(bytes)
        func path(from start: Int) -> String? {
            let path = String(validating: bytes[start...], as: UTF8.self)
            return path.flatMap { $0.isEmpty || $0.utf8.contains(0) ? nil : $0 }
        }
        switch (bytes.first, bytes.count) {
        case (0, 1): self = .end
        case (1, 22...Self.maximumLength):
            guard let path = path(from: 21) else { return nil }
            self = .socket(
                path: path, device: Self.number(bytes[1..<9]), inode: Self.number(bytes[9..<17]),
                owner: Self.number(bytes[17..<21]))
        case (2, 6...Self.maximumLength):
            guard let path = path(from: 5) else { return nil }
            self = .obstacle(path: path, errno: Int32(bitPattern: Self.number(bytes[1..<5])))
        default: return nil
        }
    }

    fileprivate static func bytes<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }

    fileprivate static func number<Number: FixedWidthInteger>(_ bytes: ArraySlice<UInt8>) -> Number {
        bytes.reversed().reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
    }
}

/// The answer to a request to connect: 0 with a socket, or the error.
struct ConnectorAnswer: Equatable {
    let errno: Int32

    static let length = 4

    var bytes: [UInt8] { ConnectorEntry.bytes(UInt32(bitPattern: errno)) }

    init(errno: Int32) {
        self.errno = errno
    }

    init?(_ bytes: some RandomAccessCollection<UInt8>) {
        guard bytes.count == Self.length else { return nil }
        errno = Int32(bitPattern: ConnectorEntry.number(ArraySlice(bytes)))
    }
}
