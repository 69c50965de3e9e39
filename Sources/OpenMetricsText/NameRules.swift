/// The rules for names.
enum NameRules {
    /// `[a-zA-Z_:][a-zA-Z0-9_:]*`
    static func isMetricName(_ name: String) -> Bool {
        isName(name) { $0 == UInt8(ascii: ":") }
    }

    /// `[a-zA-Z_][a-zA-Z0-9_]*`, not beginning with two underscores, which Prometheus reserves.
    static func isLabelName(_ name: String) -> Bool {
        isName(name) { _ in false } && !name.hasPrefix("__")
    }

    /// Why labels cannot follow others in a series; `nil` if they can.
    static func problem(of labels: [LabelSet.Label], after others: [LabelSet.Label]) -> String? {
        for (place, name) in labels.lazy.map(\.name).enumerated() {
            guard isLabelName(name) else {
                return "\"\(name)\" is not a valid label name: it must consist of letters, digits and underscores, and "
                    + "not begin with a digit or with two underscores"
            }
            if others.contains(where: { $0.name == name }) || labels[..<place].contains(where: { $0.name == name }) {
                return "the label \(name) occurs twice"
            }
        }
        return nil
    }

    private static func isName(_ name: String, or isExtra: (UInt8) -> Bool) -> Bool {
        guard let first = name.utf8.first, !isDigit(first) else { return false }
        return name.utf8.allSatisfy { isLetter($0) || isDigit($0) || isExtra($0) }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"): true
        default: false
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}

extension MetricDescription {
    /// Suffixes that a type adds, or from which readers derive a type.
    private static let reservedSuffixes = ["_total", "_created", "_bucket", "_count", "_sum", "_info"]

    /// Why the description cannot be written; `nil` if it can.
    public var problem: String? {
        if !NameRules.isMetricName(name) {
            return "a name must consist of letters, digits, underscores and colons, and not begin with a digit"
        }
        if let suffix = Self.reservedSuffixes.first(where: name.hasSuffix) {
            return "a name must not end in \(suffix): the type adds the suffix"
        }
        guard let unit else { return nil }
        if kind == .info { return "an info must not have a unit" }
        return name.hasSuffix("_" + unit) ? nil : "the name must end in its unit, _\(unit)"
    }
}
