/// What may be a name.
enum NameRules {
    /// `[a-zA-Z_:][a-zA-Z0-9_:]*`
    static func isMetricName(_ name: String) -> Bool {
        isName(name) { $0 == UInt8(ascii: ":") }
    }

    /// `[a-zA-Z_][a-zA-Z0-9_]*`, without the two underscores that Prometheus keeps for itself.
    static func isLabelName(_ name: String) -> Bool {
        isName(name) { _ in false } && !name.hasPrefix("__")
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
    /// Endings that a type adds, or that tell readers of a type.
    private static let reservedSuffixes = ["_total", "_created", "_bucket", "_count", "_sum", "_info"]

    /// What is wrong with it; `nil` when it can be written.
    public var problem: String? {
        if !NameRules.isMetricName(name) {
            return "a name has letters, digits, underscores and colons, and does not begin with a digit"
        }
        if let suffix = Self.reservedSuffixes.first(where: name.hasSuffix) {
            return "a name does not end in \(suffix): its type adds what is needed"
        }
        guard let unit else { return nil }
        if kind == .info { return "an info has no unit" }
        return name.hasSuffix("_" + unit) ? nil : "the name must end in its unit, _\(unit)"
    }
}
