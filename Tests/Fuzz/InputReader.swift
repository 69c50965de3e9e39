/// Takes numbers and bytes from an input. At its end numbers are 0 and bytes are none.
struct InputReader {
    /// The bytes that are not taken yet.
    private(set) var rest: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) {
        rest = bytes
    }

    /// The next bytes, or as many as are left.
    mutating func take(_ count: Int) -> UnsafeRawBufferPointer {
        defer { rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count)) }
        return UnsafeRawBufferPointer(rebasing: rest.prefix(count))
    }

    /// The next number, lowest byte first.
    mutating func number<Number: FixedWidthInteger & UnsignedInteger>(_ type: Number.Type = Number.self) -> Number {
        take(MemoryLayout<Number>.size).reversed().reduce(0) { $0 << 8 | Number($1) }
    }

    /// The next byte.
    mutating func byte() -> UInt8 { number() }
}
