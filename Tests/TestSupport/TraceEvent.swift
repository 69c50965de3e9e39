import Foundation

/// What LTTng recorded of some processes, in order of time.
public struct Trace: Sendable {
    /// The events of all traced processes together.
    public let events: [TraceEvent]
    /// How many events the tracer says that it had to drop for want of room.
    public let discardedCount: Int

    /// The events of one name, `dmadev:copy` for one.
    public func events(named name: String) -> [TraceEvent] { events.filter { $0.name == name } }
}

/// One event, as babeltrace2 prints it.
public struct TraceEvent: Sendable, CustomStringConvertible {
    /// Seconds since the epoch, with nanoseconds, as text.
    public let timestamp: Substring
    /// Provider and event: `dmadev:copy`.
    public let name: Substring
    /// The line as printed.
    public let description: String
    private let payload: Substring

    /// The event's fields by name. Lengths of sequences are left out: a sequence has its count.
    ///
    /// The text is taken apart on each call, so that tests which only count a million events need not wait for it.
    public func fields() throws -> [String: TraceValue] {
        var parser = TraceTextParser(payload)
        return try parser.structure()
    }

    /// - Parameter line: `[SECONDS] host:program:(pid) provider:event: { context }, { fields }`.
    init(_ line: String) throws {
        description = line
        let parts = line.split(separator: " ", maxSplits: 3)
        guard parts.count == 4, parts[0].first == "[", parts[0].last == "]", parts[2].last == ":" else {
            throw TestSupportError("not an event as babeltrace2 prints it: \(line)")
        }
        timestamp = parts[0].dropFirst().dropLast()
        name = parts[2].dropLast()
        // The context of the packet stands before the fields, and holds numbers only.
        guard let contextEnd = parts[3].utf8.firstIndex(of: UInt8(ascii: "}")) else {
            throw TestSupportError("no fields: \(line)")
        }
        payload = parts[3][contextEnd...].dropFirst("}, ".count)
    }
}

/// The value of an event's field.
public enum TraceValue: Sendable, Hashable, ExpressibleByIntegerLiteral, ExpressibleByStringLiteral,
    ExpressibleByArrayLiteral
{
    /// Wide enough for every signed and unsigned field.
    case integer(Int128)
    case string(String)
    case sequence([TraceValue])

    /// An ``integer(_:)``.
    public init(integerLiteral value: Int128) { self = .integer(value) }
    /// A ``string(_:)``.
    public init(stringLiteral value: String) { self = .string(value) }
    /// A ``sequence(_:)``.
    public init(arrayLiteral elements: TraceValue...) { self = .sequence(elements) }
}

/// Reads babeltrace2's text: `{ a = 1, b = 0xFF, c = "text", _d_length = 2, d = [ [0] = 1, [1] = 2 ] }`.
struct TraceTextParser {
    private let text: Substring.UTF8View
    private var at: Substring.UTF8View.Index

    init(_ text: Substring) {
        self.text = text.utf8
        at = self.text.startIndex
    }

    mutating func structure() throws -> [String: TraceValue] {
        var fields: [String: TraceValue] = [:]
        try expect("{ ")
        while !skip("}") {
            let name = try word()
            try expect(" = ")
            let value = try value()
            if !(name.hasPrefix("_") && name.hasSuffix("_length")) { fields[name] = value }
            if !skip(", ") { try expect(" ") }
        }
        return fields
    }

    private mutating func value() throws -> TraceValue {
        if skip("[") { return try sequence() }
        if skip("\"") { return try string() }
        let digits = try word()
        let number = digits.hasPrefix("0x") ? Int128(digits.dropFirst(2), radix: 16) : Int128(digits)
        guard let number else { throw unexpected() }
        return .integer(number)
    }

    private mutating func sequence() throws -> TraceValue {
        var elements: [TraceValue] = []
        _ = skip(" ")
        while !skip("]") {
            try expect("[\(elements.count)] = ")
            elements.append(try value())
            if !skip(", ") { try expect(" ") }
        }
        return .sequence(elements)
    }

    /// After the opening quote. babeltrace2 escapes as C does.
    private mutating func string() throws -> TraceValue {
        var bytes: [UInt8] = []
        while at < text.endIndex {
            let byte = next()
            if byte == UInt8(ascii: "\"") { return .string(String(decoding: bytes, as: UTF8.self)) }
            guard byte == UInt8(ascii: "\\"), at < text.endIndex else {
                bytes.append(byte)
                continue
            }
            let escaped = next()
            bytes.append(Self.escapes[escaped] ?? escaped)
        }
        throw unexpected()
    }

    private static let escapes: [UInt8: UInt8] = Dictionary(
        uniqueKeysWithValues: zip("abtnvfr".utf8, UInt8(7)...13))

    /// A name or a number.
    private mutating func word() throws -> String {
        let start = at
        while at < text.endIndex, text[at] != UInt8(ascii: " "), text[at] != UInt8(ascii: ",") {
            at = text.index(after: at)
        }
        guard start < at else { throw unexpected() }
        return String(decoding: text[start..<at], as: UTF8.self)
    }

    private mutating func next() -> UInt8 {
        defer { at = text.index(after: at) }
        return text[at]
    }

    private mutating func skip(_ expected: String) -> Bool {
        guard text[at...].starts(with: expected.utf8) else { return false }
        at = text.index(at, offsetBy: expected.utf8.count)
        return true
    }

    private mutating func expect(_ expected: String) throws {
        guard skip(expected) else { throw unexpected() }
    }

    private func unexpected() -> TestSupportError {
        TestSupportError("cannot read \"\(String(decoding: text[at...], as: UTF8.self))\" of an event's fields")
    }
}
