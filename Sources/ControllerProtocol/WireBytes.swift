public import LinuxSystem

/// The reason why bytes are not a valid message: what was found, and what is allowed.
public struct WireError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The reason, for a log or an error message.
    public let description: String

    /// Makes an error with a reason.
    public init(_ description: String) {
        self.description = description
    }
}

/// Encodes numbers and texts one after the other, lowest byte first, without gaps.
///
/// The bytes are in memory that ``Packet/withBytes(of:sequence:_:)`` provides and wipes. The memory never grows:
/// growing would leave copies of secrets.
public struct WireWriter {
    private let memory: UnsafeMutableRawBufferPointer
    /// The number of bytes that were written.
    public private(set) var count = 0

    /// Writes to memory that must be large enough: a message that does not fit is a programming error.
    public init(_ memory: UnsafeMutableRawBufferPointer) {
        self.memory = memory
    }

    /// The memory for the next bytes.
    private mutating func take(_ byteCount: Int) -> UnsafeMutableRawBufferPointer {
        // Texts and lists have limits, so that the longest message fits: a test encodes it.
        precondition(byteCount <= memory.count - count, "the message is longer than a packet")
        defer { count += byteCount }
        return UnsafeMutableRawBufferPointer(rebasing: memory[count..<count + byteCount])
    }

    /// Writes a number in the size of its type.
    public mutating func put<Number: FixedWidthInteger>(_ number: Number) {
        withUnsafeBytes(of: number.littleEndian) { take($0.count).copyMemory(from: $0) }
    }

    /// Writes bytes without a length: the protocol defines it.
    public mutating func put(_ fixed: [UInt8]) {
        take(fixed.count).copyBytes(from: fixed)
    }

    /// Writes a secret without a length: the protocol defines it.
    public mutating func put(_ secret: Secret) {
        secret.copy(to: take(secret.byteCount))
    }

    /// Writes the length of a text, then the text; bytes after ``Packet/maximumTextLength`` are cut off.
    public mutating func put(_ text: String) {
        let text = text.utf8.prefix(Packet.maximumTextLength)
        put(UInt16(text.count))
        take(text.count).copyBytes(from: text)
    }
}

/// Decodes numbers and texts from bytes of an untrusted peer: it never reads beyond them, and no content causes a trap.
public struct WireReader {
    /// The bytes that are not read yet. Their owner must outlive the reader.
    private var bytes: UnsafeRawBufferPointer

    /// Reads from the first of these bytes on.
    public init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    private mutating func next(_ count: Int) throws(WireError) -> UnsafeRawBufferPointer {
        guard bytes.count >= count else {
            throw WireError("the message is too short: a member needs \(count - bytes.count) more bytes")
        }
        defer { bytes = UnsafeRawBufferPointer(rebasing: bytes.dropFirst(count)) }
        return UnsafeRawBufferPointer(rebasing: bytes.prefix(count))
    }

    /// Reads a number in the size of its type.
    public mutating func number<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) throws(WireError)
        -> Number
    {
        Number(littleEndian: try next(MemoryLayout<Number>.size).loadUnaligned(as: Number.self))
    }

    /// Reads a fixed number of bytes.
    public mutating func take(_ count: Int) throws(WireError) -> [UInt8] { Array(try next(count)) }

    /// Reads a fixed number of bytes into memory that is wiped after use.
    public mutating func secret(_ count: Int) throws(WireError) -> Secret { Secret(copying: try next(count)) }

    /// Reads a text with its length; invalid UTF-8 is replaced.
    public mutating func text() throws(WireError) -> String {
        let count = Int(try number(UInt16.self))
        guard count <= Packet.maximumTextLength else {
            throw WireError("a text of \(count) bytes: a text has at most \(Packet.maximumTextLength)")
        }
        return String(decoding: try take(count), as: UTF8.self)
    }

    /// Reads a member that is reserved for later versions; throws when it is not 0.
    public mutating func reserved<Number: FixedWidthInteger>(_ type: Number.Type) throws(WireError) {
        guard try number(type) == 0 else { throw WireError("a reserved member is not 0") }
    }

    /// Checks that no bytes follow the last member.
    public func finish() throws(WireError) {
        guard bytes.isEmpty else { throw WireError("\(bytes.count) bytes follow the last member") }
    }
}
