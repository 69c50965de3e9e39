import TelemetryWire

/// What the demonstration tells: step by step for people, as one object for machines.
struct DemoStory {
    private let isShown: Bool
    private var number = 0
    private var steps: [JSONTree] = []

    init(isShown: Bool) {
        self.isShown = isShown
    }

    /// Begins a step: what happens now, in a sentence.
    mutating func begin(_ title: String) throws(Failure) {
        number += 1
        guard isShown else { return }
        let line = "\(number). \(title)"
        try StandardStreams.print(StandardStreams.outputTakesColor ? TextTable.bold(line) : line)
    }

    /// Says what has come of it.
    ///
    /// - Parameters:
    ///   - name: of the step, for machines.
    ///   - members: what a machine is told.
    ///   - lines: what people are told.
    mutating func tell(_ name: String, _ members: [JSONTree.Member], _ lines: String...) throws(Failure) {
        steps.append(.object([JSONTree.Member("step", .string(name))] + members))
        guard isShown else { return }
        for line in lines.flatMap({ $0.split(separator: "\n", omittingEmptySubsequences: false) }) {
            try StandardStreams.print(line.isEmpty ? "" : "   \(line)")
        }
    }

    /// All steps.
    var tree: JSONTree { .object([JSONTree.Member("steps", .array(steps))]) }
}
