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
///
/// The bytes lie in memory that ``Packet/withBytes(of:sequence:_:)`` lends and wipes: it never grows, which would leave
/// copies of secrets behind.
public struct WireWriter {
    private let memory: UnsafeMutableRawBufferPointer
    /// How many bytes were written.
    private(set) var count = 0

    init(_ memory: UnsafeMutableRawBufferPointer) {
        self.memory = memory
    }

    /// The memory for the next bytes.
    private mutating func take(_ byteCount: Int) -> UnsafeMutableRawBufferPointer {
        // Texts and lists have limits of their own, with which the longest message fits: a test writes it.
        precondition(byteCount <= memory.count - count, "a message that is longer than a packet")
        defer { count += byteCount }
        return UnsafeMutableRawBufferPointer(rebasing: memory[count..<count + byteCount])
    }

    /// Writes a number.
    public mutating func put<Number: FixedWidthInteger>(_ number: Number) {
        withUnsafeBytes(of: number.littleEndian) { take($0.count).copyMemory(from: $0) }
    }

    /// Writes bytes whose number the reader knows.
    public mutating func put(_ fixed: [UInt8]) {
        take(fixed.count).copyBytes(from: fixed)
    }

    /// Writes a secret whose length the reader knows.
    public mutating func put(_ secret: Secret) {
        secret.copy(to: take(secret.byteCount))
    }

    /// Writes a text of up to ``Packet/maximumTextLength`` bytes behind its length; the rest is cut off.
    public mutating func put(_ text: String) {
        let text = text.utf8.prefix(Packet.maximumTextLength)
        put(UInt16(text.count))
        take(text.count).copyBytes(from: text)
    }
}

/// Takes numbers and texts off bytes that anybody may have written: it never reads beyond them, and nothing in them traps.
public struct WireReader {
    /// What is left. Whoever lends the bytes outlives the reader.
    private var bytes: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    private mutating func next(_ count: Int) throws(WireError) -> UnsafeRawBufferPointer {
        guard bytes.count >= count else {
            throw WireError("the message ends \(count - bytes.count) bytes before its last member does")
        }
        defer { bytes = UnsafeRawBufferPointer(rebasing: bytes.dropFirst(count)) }
        return UnsafeRawBufferPointer(rebasing: bytes.prefix(count))
    }

    /// Reads a number.
    public mutating func number<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) throws(WireError)
        -> Number
    {
        Number(littleEndian: try next(MemoryLayout<Number>.size).loadUnaligned(as: Number.self))
    }

    /// Reads a number of bytes.
    public mutating func take(_ count: Int) throws(WireError) -> [UInt8] { Array(try next(count)) }

    /// Reads a number of bytes into memory that is wiped.
    public mutating func secret(_ count: Int) throws(WireError) -> Secret { Secret(copying: try next(count)) }

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
