import Glibc

/// The one line that a check prints.
struct CheckReport {
    private(set) var state = CheckState.ok
    /// The text that is printed when there are no findings.
    var summary = ""
    private var findings: [String] = []
    private var figures: [String] = []

    init() {}

    init(state: CheckState, sentence: String) {
        addFinding(state, sentence)
    }

    /// Adds a problem and raises the state to at least `state`.
    mutating func addFinding(_ state: CheckState, _ sentence: String) {
        self.state = max(self.state, state)
        findings.append(sentence)
    }

    /// Adds performance data, with thresholds in the plugins' notation.
    mutating func add(_ name: String, _ value: Double, unit: String = "", _ limits: String) {
        // The notation has no infinity; U means undetermined.
        figures.append("\(name)=\(value.isFinite ? "\(Self.rounded(value))\(unit)" : "U");\(limits)")
    }

    /// Adds a value and compares it with its threshold. A missing value is left out; if it has a threshold, nobody can
    /// judge it: the state is unknown, unless the value is reported and nothing has happened yet.
    mutating func add(
        _ name: String, _ value: Double?, unit: String = "", _ threshold: Threshold?, _ words: String,
        isReported: Bool = true, domain: ClosedRange<Double> = 0...Double.infinity
    ) {
        guard let value else {
            if threshold != nil, !isReported { addFinding(.unknown, "no process reports the \(words)") }
            return
        }
        if !domain.contains(value) { addFinding(.unknown, "\(words) \(Self.rounded(value))\(unit) is impossible") }
        add(name, value, unit: unit, threshold?.text ?? ";")
        if let threshold, threshold.state(of: value) != .ok {
            addFinding(threshold.state(of: value), "\(words) \(Self.rounded(value))\(unit)")
        }
    }

    /// The line. A bar separates text and performance data, so the text must not contain one.
    var text: String {
        let text = (findings.isEmpty ? [summary] : findings).joined(separator: ", ")
        let line = "DMADEV \(state.word) - \(text.replacing("|", with: "/"))"
        return StandardStreams.printable(figures.isEmpty ? line : "\(line) | \(figures.joined(separator: " "))")
    }

    /// The value with six significant digits.
    private static func rounded(_ value: Double) -> String {
        guard value != value.rounded() else { return value.magnitude < 1e15 ? "\(Int64(value))" : "\(value)" }
        let scale = pow(10, 5 - floor(log10(value.magnitude)))
        return "\((value * scale).rounded() / scale)"
    }
}
