/// The first labels of many series, with what they need to be written.
final class SharedLabels: Sendable {
    let labels: [LabelSet.Label]
    /// The text between the braces.
    let text: [UInt8]
    /// Why they cannot be written; `nil` if they can.
    let problem: String?
    /// Whether a histogram cannot have them: it has a label `le` of its own.
    let hasBound: Bool

    init(_ labels: [LabelSet.Label]) {
        self.labels = labels
        var text: [UInt8] = []
        var problem: String?
        for (place, label) in labels.enumerated() {
            problem = problem ?? Self.problem(label, after: labels[..<place])
            LabelText.append(label, to: &text)
        }
        self.text = text
        self.problem = problem
        hasBound = labels.contains { $0.name == "le" }
    }

    private static func problem(_ label: LabelSet.Label, after others: ArraySlice<LabelSet.Label>) -> String? {
        NameRules.problem(ofLabelName: label.name)
            ?? (others.contains { $0.name == label.name } ? NameRules.problem(ofRepeatedLabel: label.name) : nil)
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

    /// Appends the escaped text. NUL, at which some readers stop, becomes U+FFFD.
    static func append(escaped value: String, quotes: Bool, to text: inout [UInt8]) {
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
