/// The first labels of many series, with what they need to be written.
final class SharedLabels: Sendable {
    let labels: [LabelSet.Label]
    /// The text between the braces.
    let text: [UInt8]
    /// Has taken the bytes of the text.
    let hasher: Hasher
    /// Why they cannot be written; `nil` if they can.
    let problem: String?

    init(_ labels: [LabelSet.Label]) {
        self.labels = labels
        var text: [UInt8] = []
        for label in labels { LabelText.append(label, to: &text) }
        var hasher = Hasher()
        text.withUnsafeBytes { hasher.combine(bytes: $0) }
        self.text = text
        self.hasher = hasher
        problem = NameRules.problem(of: labels, after: [])
    }
}

/// Labels and other text in the notation of both formats.
enum LabelText {
    /// Appends a label, with a comma before it unless it is the first one.
    static func append(_ label: LabelSet.Label, to text: inout [UInt8]) {
        if !text.isEmpty { text.append(UInt8(ascii: ",")) }
        text.append(contentsOf: label.name.utf8)
        text.append(UInt8(ascii: "="))
        text.append(UInt8(ascii: "\""))
        append(escaped: label.value, quotes: true, to: &text)
        text.append(UInt8(ascii: "\""))
    }

    /// The escaped text. NUL, at which some readers stop, becomes U+FFFD.
    static func escaped(_ value: String, quotes: Bool) -> String {
        var text: [UInt8] = []
        append(escaped: value, quotes: quotes, to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    private static func append(escaped value: String, quotes: Bool, to text: inout [UInt8]) {
        let special = value.utf8.contains {
            $0 == UInt8(ascii: "\\") || $0 == UInt8(ascii: "\n") || $0 == 0 || (quotes && $0 == UInt8(ascii: "\""))
        }
        guard special else { return text.append(contentsOf: value.utf8) }
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): text.append(contentsOf: "\\\\".utf8)
            case UInt8(ascii: "\n"): text.append(contentsOf: "\\n".utf8)
            case UInt8(ascii: "\"") where quotes: text.append(contentsOf: "\\\"".utf8)
            case 0: text.append(contentsOf: "\u{FFFD}".utf8)
            default: text.append(byte)
            }
        }
    }
}
