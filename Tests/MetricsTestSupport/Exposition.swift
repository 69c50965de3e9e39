import TestSupport

/// A text of metrics, read strictly by the grammar: a line that is not allowed is an error.
public struct Exposition: Sendable {
    /// One line with a value.
    public struct Sample: Sendable, Equatable {
        /// The name with its suffix.
        public let name: String
        /// Labels with the escapes undone.
        public let labels: [String: String]
        /// The value as it is written.
        public let text: String

        /// The value.
        public var value: Double { Double(text.replacing("Inf", with: "infinity")) ?? .nan }
    }

    /// All lines with values, in order.
    public let samples: [Sample]
    /// The types by the names that are declared.
    public private(set) var types: [String: String] = [:]
    /// The units by the names that are declared.
    public private(set) var units: [String: String] = [:]
    /// Whether the text says that it is whole.
    public let isEnded: Bool

    /// Reads a text of either format.
    ///
    /// - Throws: for a line that breaks the grammar, a series that is there twice, or one whose type was not declared.
    public init(_ text: String) throws {
        guard text.hasSuffix("\n") else { throw TestSupportError("the last line has no end") }
        var samples: [Sample] = []
        var series: Set<String> = []
        var family = ""
        var lines = text.dropLast().split(separator: "\n", omittingEmptySubsequences: false)
        isEnded = lines.last == "# EOF"
        if isEnded { lines.removeLast() }
        for line in lines {
            if let head = line.wholeMatch(of: #/(?s)# (TYPE|UNIT|HELP) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)/#) {
                family = String(head.2)
                switch head.1 {
                case "TYPE":
                    guard types.updateValue(String(head.3), forKey: family) == nil else {
                        throw TestSupportError("\(family) is declared twice")
                    }
                case "UNIT": units[family] = String(head.3)
                default: break
                }
                continue
            }
            var reader = LineReader(line)
            guard let sample = reader.sample() else { throw TestSupportError("no line of metrics: \(line)") }
            guard sample.name.hasPrefix(family), !family.isEmpty else {
                throw TestSupportError("\(sample.name) is no \(family)")
            }
            guard series.insert(reader.series).inserted else { throw TestSupportError("there twice: \(line)") }
            samples.append(sample)
        }
        self.samples = samples
    }

    /// The samples of a name whose labels are among others these.
    public subscript(_ name: String, _ labels: [String: String] = [:]) -> [Sample] {
        samples.filter { sample in
            sample.name == name && labels.allSatisfy { sample.labels[$0.key] == $0.value }
        }
    }

    /// The value of the only sample of a name with these labels; `nil` when there is none or more than one.
    public func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        let found = self[name, labels]
        return found.count == 1 ? found[0].value : nil
    }
}
