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

    /// The first labels, which other sets have too.
    let shared: SharedLabels?
    /// The other labels.
    let own: [Label]

    /// In the order in which they are written.
    public var labels: [Label] { shared.map { $0.labels + own } ?? own }

    /// Nothing is checked before the set is written.
    public init(_ labels: [Label] = []) {
        self.init(shared: nil, own: labels)
    }

    private init(shared: SharedLabels?, own: [Label]) {
        self.shared = shared
        self.own = own
    }

    /// Keeps the order of the literal.
    public init(dictionaryLiteral elements: (String, String)...) {
        self.init(elements.map { Label($0.0, $0.1) })
    }

    /// The same labels, whose text is made now. It is used for this set and for all sums that begin with it.
    public var prepared: LabelSet { LabelSet(shared: SharedLabels(labels), own: []) }

    /// The value of a label; `nil` if there is none of that name.
    public subscript(name: String) -> String? {
        (shared?.labels.first { $0.name == name } ?? own.first { $0.name == name })?.value
    }

    /// The labels of `left`, then those of `right`.
    public static func + (left: LabelSet, right: LabelSet) -> LabelSet {
        LabelSet(shared: left.shared, own: left.own.isEmpty ? right.labels : left.own + right.labels)
    }

    /// Appends the text between the braces.
    func append(to text: inout [UInt8]) {
        if let shared { text += shared.text }
        for label in own { LabelText.append(label, to: &text) }
    }

    /// Compares the labels and their order.
    public static func == (left: LabelSet, right: LabelSet) -> Bool {
        left.shared === right.shared ? left.own == right.own : left.labels == right.labels
    }

    /// Hashes the labels.
    public func hash(into hasher: inout Hasher) {
        for label in shared?.labels ?? [] { hasher.combine(label) }
        for label in own { hasher.combine(label) }
    }
}
