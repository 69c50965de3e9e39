internal import LinuxSystem

/// The owner of memory: a process or an operating system, identified by a UUID that it chooses; `rte_uuid_t domain_id`.
///
/// Not a secret: it is visible to all members of a group.
public struct DomainID: Sendable, Hashable, CustomStringConvertible {
    /// Bytes of an identifier.
    public static let byteCount = 16

    // The bytes as two big-endian words.
    private let high, low: UInt64

    private init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// An identifier from its bytes, `nil` unless they are 16.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        let words = [bytes.prefix(8), bytes.dropFirst(8)].map { $0.reduce(UInt64(0)) { $0 << 8 | UInt64($1) } }
        self.init(high: words[0], low: words[1])
    }

    /// An identifier from its text, 32 hexadecimal digits in groups of 8-4-4-4-12, `nil` for any other.
    public init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.map(\.utf8.count) == [8, 4, 4, 4, 12],
            text.utf8.allSatisfy({ $0 == UInt8(ascii: "-") || Character(Unicode.Scalar($0)).isHexDigit }),
            let high = UInt64(parts[0] + parts[1] + parts[2], radix: 16),
            let low = UInt64(parts[3] + parts[4], radix: 16)
        else { return nil }
        self.init(high: high, low: low)
    }

    /// A new random UUID, version 4.
    public static func random() -> DomainID {
        var words: (UInt64, UInt64) = (0, 0)
        withUnsafeMutableBytes(of: &words) { RandomBytes.fill($0) }
        return DomainID(
            high: words.0 & ~0xF000 | 0x4000, low: words.1 & ~(0b11 << 62) | 0b10 << 62)
    }

    /// The 16 bytes, most significant first.
    public var bytes: [UInt8] {
        [high, low].flatMap { word in
            stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> $0) }
        }
    }

    /// The text form, lower case.
    public var description: String {
        var text = ""
        for (index, byte) in bytes.enumerated() {
            if [4, 6, 8, 10].contains(index) { text += "-" }
            text += (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        return text
    }
}
