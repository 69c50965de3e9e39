/// Parses numbers in a request's parameters by DPDK's rules.
///
/// Each number must begin with a digit (a leading space or sign is an error) and is parsed like `strtoul` with base 0:
/// `0x` means hexadecimal, a leading `0` octal. The text after the digits is left for the next number or ignored, as in
/// DPDK's handlers: `0x0`, `00`, `0,1` and a `0` with a line feed all begin with the number 0.
public struct TelemetryNumberReader: Sendable {
    /// The text that has not been parsed yet.
    public private(set) var remainder: Substring
    private var isAtFirst = true

    /// A reader at the first parameter.
    public init(_ parameters: String) {
        remainder = parameters[...]
    }

    /// Whether all text has been parsed.
    public var isAtEnd: Bool { remainder.isEmpty }

    /// The next number; `nil` if there is no number at this position. More than 64 bits give `UInt64.max`.
    public mutating func next() -> UInt64? {
        var bytes = remainder.utf8[...]
        if !isAtFirst {
            // strtok skips any number of separators, but DPDK does not use it for the first parameter.
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

    /// The next number as an integer of type `I`.
    ///
    /// - Throws: an error with the parameter's name if there is no number or it is outside of `range`.
    public mutating func next<I: FixedWidthInteger & Sendable>(
        _ name: String, in range: ClosedRange<I>
    ) throws(TelemetryCommandError) -> I {
        guard let number = next() else {
            throw TelemetryCommandError("\(name) is missing or not a number; allowed is \(range)")
        }
        guard let value = I(exactly: number), range.contains(value) else {
            throw TelemetryCommandError("\(name) \(number) is out of range; allowed is \(range)")
        }
        return value
    }

    /// The next number; `nil` if no text is left.
    ///
    /// - Throws: like `next(_:in:)`, if the remaining text is not a number or out of range.
    public mutating func nextIfPresent<I: FixedWidthInteger & Sendable>(
        _ name: String, in range: ClosedRange<I>
    ) throws(TelemetryCommandError) -> I? {
        isAtEnd ? nil : try next(name, in: range)
    }

    /// The base of a number, and the number without its prefix.
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
