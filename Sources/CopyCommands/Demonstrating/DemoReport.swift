import CommandSupport
import TelemetryWire

/// The output of the demonstration: text step by step, or one JSON object.
struct DemoReport {
    private let isShown: Bool
    private var number = 0
    private var steps: [JSONTree] = []

    init(isShown: Bool) {
        self.isShown = isShown
    }

    /// Begins a step and prints its title, one sentence.
    mutating func begin(_ title: String) throws(Failure) {
        number += 1
        guard isShown else { return }
        let line = "\(number). \(title)"
        try StandardStreams.print(StandardStreams.outputTakesColor ? TextTable.bold(line) : line)
    }

    /// Adds the result of the step.
    ///
    /// - Parameters:
    ///   - name: the step's name in JSON.
    ///   - members: the step's members in JSON.
    ///   - lines: the text.
    mutating func add(_ name: String, _ members: [JSONTree.Member], _ lines: String...) throws(Failure) {
        steps.append(.object([JSONTree.Member("step", .string(name))] + members))
        guard isShown else { return }
        for line in lines.flatMap({ $0.split(separator: "\n", omittingEmptySubsequences: false) }) {
            try StandardStreams.print(line.isEmpty ? "" : "   \(line)")
        }
    }

    /// The JSON object with all steps.
    var tree: JSONTree { .object([JSONTree.Member("steps", .array(steps))]) }
}
