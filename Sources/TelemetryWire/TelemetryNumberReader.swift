/// Reads numbers out of a request's parameters by DPDK's rules.
///
/// Each number must begin with a digit (so a leading blank or sign is none) and is read like `strtoul` with base 0:
/// `0x` is hexadecimal, a leading `0` octal. What follows the digits is left for the next number or ignored, as in
/// DPDK's handlers: `0x0`, `00`, `0,1` and a `0` with a line feed all begin with the number 0.
public struct TelemetryNumberReader: Sendable {
    /// What has not been read yet.
    public private(set) var remainder: Substring
    private var isAtFirst = true

    /// A reader at the first parameter.
    public init(_ parameters: String) {
        remainder = parameters[...]
    }

    /// Whether everything has been read.
    public var isAtEnd: Bool { remainder.isEmpty }

    /// The next number, or `nil` when there is none at this place. More than 64 bits give `UInt64.max`.
    public mutating func next() -> UInt64? {
        var bytes = remainder.utf8[...]
        if !isAtFirst {
            // strtok skips any number of separators, but DPDK looks at the first parameter without it.
            bytes = bytes.drop { $0 == UInt8(ascii: ",") }
        }
        guard let first = bytes.first, Self.digit(first, base: 10) != nil else { return nil }
        isAtFirst = false
        let base: UInt64
        (base, bytes) = Self.base(of: bytes)
        var value: UInt64 = 0
        while let byte = bytes.first, let digit = Self.digit(byte, base: base) {
            let (product, productOverflow) = value.multipliedReportingOverflow(by: base)
            let (sum, sumOverflow) = product.addingReportingOverflow(digit)
            value = productOverflow || sumOverflow || value == .max ? .max : sum
            bytes = bytes.dropFirst()
        }
        remainder = Substring(bytes)
        return value
    }

    /// The next number as an integer of the type wanted.
    ///
    /// - Throws: an error that names the parameter when there is no number or it is outside of `range`.
    public mutating func next<I: FixedWidthInteger & Sendable>(
        _ name: String, in range: ClosedRange<I>
    ) throws(TelemetryCommandError) -> I {
        guard let number = next() else {
            throw TelemetryCommandError("\(name) is missing or no number; allowed is \(range)")
        }
        guard let value = I(exactly: number), range.contains(value) else {
            throw TelemetryCommandError("\(name) \(number) is out of range; allowed is \(range)")
        }
        return value
    }

    /// The next number if anything is left, else `nil`.
    ///
    /// - Throws: as `next(_:in:)`, when what is left is no number or out of range.
    public mutating func nextIfPresent<I: FixedWidthInteger & Sendable>(
        _ name: String, in range: ClosedRange<I>
    ) throws(TelemetryCommandError) -> I? {
        isAtEnd ? nil : try next(name, in: range)
    }

    /// The base that a number is written in, and the number without the mark of it.
    private static func base(of bytes: Substring.UTF8View) -> (UInt64, Substring.UTF8View) {
        guard bytes.first == UInt8(ascii: "0") else { return (10, bytes) }
        let rest = bytes.dropFirst()
        guard let mark = rest.first, mark == UInt8(ascii: "x") || mark == UInt8(ascii: "X"),
            let next = rest.dropFirst().first, digit(next, base: 16) != nil
        else { return (8, bytes) }
        return (16, rest.dropFirst())
    }

    private static func digit(_ byte: UInt8, base: UInt64) -> UInt64? {
        let value: UInt8
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): value = byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): value = byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): value = byte - UInt8(ascii: "A") + 10
        default: return nil
        }
        return value < base ? UInt64(value) : nil
    }
}
