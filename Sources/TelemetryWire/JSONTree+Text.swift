/// To text, without json-c's values, which would be most of the cost of a long text.
extension JSONTree {
    /// The JSON text, UTF-8 without white space: the same as that of ``JSONValue``, except that of two members with the same
    /// name both are written.
    public var utf8: [UInt8] {
        var text: [UInt8] = []
        append(to: &text)
        return text
    }

    private func append(to text: inout [UInt8]) {
        switch self {
        case .null: text += "null".utf8
        case .bool(let value): text += (value ? "true" : "false").utf8
        case .integer(let value):
            if value < 0 { text.append(UInt8(ascii: "-")) }
            Self.append(digitsOf: value.magnitude, to: &text)
        case .unsigned(let value): Self.append(digitsOf: value, to: &text)
        case .double(let value): text += (value.isFinite ? value.description : "null").utf8
        case .string(let value): Self.append(quoted: value, to: &text)
        case .array(let elements):
            text.append(UInt8(ascii: "["))
            for (place, element) in elements.enumerated() {
                if place > 0 { text.append(UInt8(ascii: ",")) }
                element.append(to: &text)
            }
            text.append(UInt8(ascii: "]"))
        case .object(let members):
            text.append(UInt8(ascii: "{"))
            for (place, member) in members.enumerated() {
                if place > 0 { text.append(UInt8(ascii: ",")) }
                Self.append(quoted: member.name, to: &text)
                text.append(UInt8(ascii: ":"))
                member.value.append(to: &text)
            }
            text.append(UInt8(ascii: "}"))
        }
    }

    private static func append(digitsOf value: UInt64, to text: inout [UInt8]) {
        var divisor: UInt64 = 1
        while value / divisor >= 10 { divisor *= 10 }
        var rest = value
        while divisor > 0 {
            text.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest / divisor))
            rest %= divisor
            divisor /= 10
        }
    }

    private static func append(quoted value: String, to text: inout [UInt8]) {
        text.append(UInt8(ascii: "\""))
        if value.utf8.contains(where: { $0 < 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }) {
            for byte in value.utf8 { append(escaped: byte, to: &text) }
        } else {
            text.append(contentsOf: value.utf8)
        }
        text.append(UInt8(ascii: "\""))
    }

    private static func append(escaped byte: UInt8, to text: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "\""): text += "\\\"".utf8
        case UInt8(ascii: "\\"): text += "\\\\".utf8
        case 0x08: text += "\\b".utf8
        case 0x09: text += "\\t".utf8
        case 0x0a: text += "\\n".utf8
        case 0x0c: text += "\\f".utf8
        case 0x0d: text += "\\r".utf8
        case ..<0x20:
            text += (byte < 0x10 ? "\\u000" : "\\u00").utf8
            text += String(byte, radix: 16).utf8
        default: text.append(byte)
        }
    }
}
