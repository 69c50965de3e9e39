import CommandSupport
import Glibc
import TelemetryWire

/// The result of a check: the line that it prints, details for `-v`, and the same as JSON.
package struct CheckReport {
    /// A problem.
    private struct Finding {
        let state: CheckState
        let sentence: String
    }

    /// Performance data.
    private struct Entry {
        let label: String
        let value: Double
        let unit: String
        let threshold: Threshold?
        let bounds: String
    }

    package private(set) var state = CheckState.ok
    /// The text that is printed when there are no findings.
    var summary = ""
    private var findings: [Finding] = []
    private var entries: [Entry] = []
    private var details: [(level: Int, text: String)] = []
    private var members: [JSONTree.Member] = []

    /// The problems that the line names; `-v` names all.
    private static let findingLimit = 8

    init() {}

    package init(state: CheckState, sentence: String) {
        addFinding(state, sentence)
    }

    /// Adds a problem and raises the state to at least `state`.
    mutating func addFinding(_ state: CheckState, _ sentence: String) {
        self.state = max(self.state, state)
        findings.append(Finding(state: state, sentence: sentence))
    }

    /// Adds performance data.
    mutating func add(_ figure: CheckFigure, of channel: String? = nil, _ value: Double, _ threshold: Threshold?) {
        entries.append(
            Entry(
                label: channel.map { "\($0)/\(figure.label)" } ?? figure.label, value: value, unit: figure.unit,
                threshold: threshold, bounds: figure.bounds))
    }

    /// Adds a line that is printed below the first one from this level of `-v` on.
    mutating func addDetail(_ level: Int, _ text: String) { details.append((level, text)) }

    /// Adds a member to the JSON.
    mutating func add(_ name: String, _ value: JSONTree) { members.append(.init(name, value)) }

    /// Adds a figure and compares it with its threshold: every value, and that of the worst one is shown. If there is none, the
    /// threshold cannot be judged: the state is unknown, unless the figure is reported and nothing has happened yet.
    mutating func judge(
        _ figure: CheckFigure, _ values: [(value: Double, place: String?)], _ threshold: Threshold?, isReported: Bool
    ) {
        func state(_ value: Double) -> CheckState { threshold?.state(of: value) ?? .ok }
        let worst = values.max { left, right in
            let (first, second) = (state(left.value), state(right.value))
            return first == second ? left.value < right.value : first < second
        }
        guard let worst else {
            if threshold != nil, !isReported { addFinding(.unknown, "no process reports the \(figure.words)") }
            return
        }
        for (value, place) in values where !figure.domain.contains(value) {
            addFinding(.unknown, Self.sentence(figure, value, place, "is impossible"))
        }
        add(figure, worst.value, threshold)
        let worstState = state(worst.value)
        if worstState != .ok {
            let others = values.count { state($0.value) != .ok } - 1
            let rest = others > 0 ? "and \(others) more outside of the range" : ""
            addFinding(worstState, Self.sentence(figure, worst.value, worst.place, rest))
        } else {
            addDetail(2, Self.sentence(figure, worst.value, worst.place, ""))
        }
    }

    private static func sentence(_ figure: CheckFigure, _ value: Double, _ place: String?, _ end: String) -> String {
        let number = value.isInfinite ? "beyond all bounds" : "\(rounded(value))\(figure.unit)"
        return (["\(figure.words) \(number)"] + [place.map { "of \($0)" } ?? "", end]).filter { !$0.isEmpty }
            .joined(separator: " ")
    }

    /// What is printed: one line, and with a verbosity of 2 or more further ones. A bar separates text and performance data,
    /// so the text must not contain one.
    package func text(verbosity: Int = 0) -> String {
        let sorted = CheckState.allCases.sorted(by: >).flatMap { state in findings.filter { $0.state == state } }
        let limit = verbosity > 0 ? Int.max : Self.findingLimit
        var sentences = sorted.prefix(limit).map(\.sentence)
        if sorted.count > limit { sentences.append("and \(sorted.count - limit) more: see -v") }
        if sentences.isEmpty || verbosity > 0, !summary.isEmpty { sentences.append(summary) }
        var line = "DMADEV \(state.word) - \(Self.plain(sentences.joined(separator: ", ")))"
        if !entries.isEmpty { line += " | " + entries.map(Self.text).joined(separator: " ") }
        let more = details.filter { $0.level <= verbosity }.map { Self.plain($0.text) }
        return ([line] + more).map(StandardStreams.printable).joined(separator: "\n")
    }

    private static func plain(_ text: String) -> String { text.replacing("|", with: "/") }

    /// `'LABEL'=VALUE[UNIT];[WARNING];[CRITICAL];[MINIMUM];[MAXIMUM]`; a label has neither an equals sign nor an apostrophe.
    private static func text(_ entry: Entry) -> String {
        var label = entry.label.replacing("=", with: "_").replacing("'", with: "_").replacing("|", with: "/")
        if label.contains(where: \.isWhitespace) { label = "'\(label)'" }
        // The notation has no infinity; U means undetermined.
        let value = entry.value.isFinite ? "\(rounded(entry.value))\(entry.unit)" : "U"
        return "\(label)=\(value);\(entry.threshold?.text ?? ";");\(entry.bounds)"
    }

    var json: JSONTree {
        let findings = findings.map { finding in
            JSONTree.object([
                .init("state", .string(finding.state.word)), .init("text", .string(finding.sentence)),
            ])
        }
        let figures = entries.map { entry in
            JSONTree.object([
                .init("name", .string(entry.label)),
                .init("value", entry.value.isFinite ? .double(entry.value) : .null),
                .init("unit", .string(entry.unit)),
                .init("warning", entry.threshold?.warning.map { .string($0.text) } ?? .null),
                .init("critical", entry.threshold?.critical.map { .string($0.text) } ?? .null),
            ])
        }
        return .object(
            [
                .init("state", .string(state.word)), .init("status", .integer(Int64(state.rawValue))),
                .init("summary", .string(summary)), .init("findings", .array(findings)),
                .init("figures", .array(figures)),
            ] + members)
    }

    /// The value with six significant digits.
    private static func rounded(_ value: Double) -> String {
        guard value.isFinite, value != value.rounded() else {
            return value.magnitude < 1e15 ? "\(Int64(value))" : "\(value)"
        }
        let scale = pow(10, 5 - floor(log10(value.magnitude)))
        return "\((value * scale).rounded() / scale)"
    }
}
