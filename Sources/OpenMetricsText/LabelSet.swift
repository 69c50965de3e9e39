/// The labels of a series: names with values, in the order in which they are written.
public struct LabelSet: Sendable, Hashable, ExpressibleByDictionaryLiteral {
    /// One label.
    public struct Label: Sendable, Hashable {
        /// `[a-zA-Z_][a-zA-Z0-9_]*`, not beginning with two underscores.
        public let name: String
        /// Any text.
        public let value: String

        /// A label.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The labels.
    public private(set) var labels: [Label]

    /// A set of these labels. Nothing is checked before it is written.
    public init(_ labels: [Label] = []) {
        self.labels = labels
    }

    /// A set of these labels.
    public init(dictionaryLiteral elements: (String, String)...) {
        labels = elements.map { Label($0.0, $0.1) }
    }

    /// The value of a label; `nil` when there is none of that name.
    public subscript(name: String) -> String? {
        labels.first { $0.name == name }?.value
    }

    /// These labels, and the others behind them.
    public static func + (left: LabelSet, right: LabelSet) -> LabelSet {
        LabelSet(left.labels + right.labels)
    }
}
