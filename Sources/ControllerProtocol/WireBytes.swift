public import LinuxSystem

/// Why bytes are no message: what was found, and what is allowed.
public struct WireError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The sentence.
    public let description: String

    /// An error.
    public init(_ description: String) {
        self.description = description
    }
}

/// Puts numbers and texts one after the other, lowest byte first, without gaps.
public struct WireWriter {
    /// What was written.
    public private(set) var bytes: [UInt8] = []

    /// An empty one, with room: what grows leaves a copy behind, which nobody would wipe of a secret.
    public init() {
        bytes.reserveCapacity(256)
    }

    /// Writes a number.
    public mutating func put<Number: FixedWidthInteger>(_ number: Number) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// Writes bytes whose number the reader knows.
    public mutating func put(_ fixed: [UInt8]) {
        bytes.append(contentsOf: fixed)
    }

    /// Writes a secret whose length the reader knows. Whoever has the bytes wipes them.
    public mutating func put(_ secret: Secret) {
        secret.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }

    /// Writes a text of up to ``Packet/maximumTextLength`` bytes behind its length; the rest is cut off.
    public mutating func put(_ text: String) {
        let text = text.utf8.prefix(Packet.maximumTextLength)
        put(UInt16(text.count))
        bytes.append(contentsOf: text)
    }
}

/// Takes numbers and texts off bytes that anybody may have written: it never reads beyond them, and nothing in them traps.
public struct WireReader {
    private var bytes: ArraySlice<UInt8>

    /// A reader of these bytes.
    public init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
    }

    /// Reads a number.
    public mutating func number<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) throws(WireError)
        -> Number
    {
        let part = try take(MemoryLayout<Number>.size)
        var number: Number = 0
        for byte in part.reversed() { number = number << 8 | Number(truncatingIfNeeded: byte) }
        return number
    }

    /// Reads a number of bytes.
    public mutating func take(_ count: Int) throws(WireError) -> [UInt8] {
        guard bytes.count >= count else {
            throw WireError("the message ends \(count - bytes.count) bytes before its last member does")
        }
        defer { bytes = bytes.dropFirst(count) }
        return Array(bytes.prefix(count))
    }

    /// Reads a number of bytes into memory that is wiped.
    public mutating func secret(_ count: Int) throws(WireError) -> Secret {
        guard bytes.count >= count else {
            throw WireError("the message ends \(count - bytes.count) bytes before its last member does")
        }
        defer { bytes = bytes.dropFirst(count) }
        return Secret(copying: bytes.prefix(count), count: count)
    }

    /// Reads a text; what is no UTF-8 is replaced.
    public mutating func text() throws(WireError) -> String {
        let count = Int(try number(UInt16.self))
        guard count <= Packet.maximumTextLength else {
            throw WireError("a text of \(count) bytes; a text has at most \(Packet.maximumTextLength)")
        }
        return String(decoding: try take(count), as: UTF8.self)
    }

    /// Reads a member that later versions may use: this one knows only 0.
    public mutating func reserved<Number: FixedWidthInteger>(_ type: Number.Type) throws(WireError) {
        guard try number(type) == 0 else { throw WireError("a reserved member is not 0") }
    }

    /// Says that all members were read.
    public func finish() throws(WireError) {
        guard bytes.isEmpty else { throw WireError("\(bytes.count) bytes follow the last member") }
    }
}
