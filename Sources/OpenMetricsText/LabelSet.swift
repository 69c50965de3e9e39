/// The labels of a series, in the order in which they are written.
public struct LabelSet: Sendable, Hashable, ExpressibleByDictionaryLiteral {
    /// One label.
    public struct Label: Sendable, Hashable {
        /// `[a-zA-Z_][a-zA-Z0-9_]*`, not beginning with two underscores.
        public let name: String
        /// Any text.
        public let value: String

        /// Nothing is checked before the label is written.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// In the order in which they are written.
    public private(set) var labels: [Label]

    /// Nothing is checked before the set is written.
    public init(_ labels: [Label] = []) {
        self.labels = labels
    }

    /// Keeps the order of the literal.
    public init(dictionaryLiteral elements: (String, String)...) {
        labels = elements.map { Label($0.0, $0.1) }
    }

    /// The value of a label; `nil` if there is none of that name.
    public subscript(name: String) -> String? {
        labels.first { $0.name == name }?.value
    }

    /// The labels of `left`, then those of `right`.
    public static func + (left: LabelSet, right: LabelSet) -> LabelSet {
        LabelSet(left.labels + right.labels)
    }
}
