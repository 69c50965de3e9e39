import Glibc

/// The one line that a check prints.
struct CheckReport {
    private(set) var state = CheckState.ok
    /// What to say when nothing is wrong.
    var summary = ""
    private var findings: [String] = []
    private var figures: [String] = []

    init() {}

    init(state: CheckState, sentence: String) {
        note(state, sentence)
    }

    /// Something that is not as it should be.
    mutating func note(_ state: CheckState, _ sentence: String) {
        self.state = max(self.state, state)
        findings.append(sentence)
    }

    /// Performance data, with thresholds as plugins write them.
    mutating func add(_ name: String, _ value: Double, unit: String = "", _ limits: String) {
        // An infinite figure has no way to be written.
        figures.append("\(name)=\(value.isFinite ? "\(Self.rounded(value))\(unit)" : "U");\(limits)")
    }

    /// A figure with a threshold; one that nobody tells is left out, but is not known where there is a threshold.
    mutating func add(
        _ name: String, _ value: Double?, unit: String = "", _ threshold: Threshold?, _ words: String
    ) {
        guard let value else {
            if threshold != nil { findings.append("no \(words) is known yet") }
            return
        }
        add(name, value, unit: unit, threshold?.text ?? ";")
        if let threshold, threshold.state(of: value) != .ok {
            note(threshold.state(of: value), "\(words) \(Self.rounded(value))\(unit)")
        }
    }

    /// The line. Plugins may have no bar in the text.
    var text: String {
        let text = (findings.isEmpty ? [summary] : findings).joined(separator: ", ")
        let line = "DMADEV \(state.word) - \(text.replacing("|", with: "/"))"
        return StandardStreams.printable(figures.isEmpty ? line : "\(line) | \(figures.joined(separator: " "))")
    }

    /// Six digits are enough for people and graphs.
    private static func rounded(_ value: Double) -> String {
        guard value != value.rounded() else { return value.magnitude < 1e15 ? "\(Int64(value))" : "\(value)" }
        let scale = pow(10, 5 - floor(log10(value.magnitude)))
        return "\((value * scale).rounded() / scale)"
    }
}
