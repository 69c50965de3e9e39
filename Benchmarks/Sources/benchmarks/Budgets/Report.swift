import Foundation

/// The program's output.
enum Report {
    static func list() {
        say("MEASUREMENTS")
        for measurement in Measurement.all { say("  \(padded(measurement.name, 12))\(measurement.abstract)") }
        say("\nBUDGETS")
        for budget in Budget.all {
            say("  \(padded(budget.name, 40))\(padded(budget.limit.text, 20))\(padded(budget.peer, 18))")
            say("      \(budget.computation.text)")
        }
    }

    static func begin(_ setting: Setting) {
        say("processors \(setting.applicationCPU) and \(setting.engineCPU), load \(Setting.load)")
        if case .failure(let reason) = setting.dpdk { say("DPDK is not available: \(reason)") }
    }

    static func title(_ measurement: Measurement) {
        say("\n\(measurement.name): \(measurement.abstract)")
        say("  \(padded("", 44))\(rightAligned("MEDIAN", 12))\(rightAligned("MIN", 12))\(rightAligned("MAX", 12))")
    }

    static func show(_ series: Series) {
        let numbers = [series.median, series.least, series.most].map { rightAligned(number($0), 12) }.joined()
        say("  \(padded(series.name, 44))\(numbers)  \(series.unit)")
    }

    static func show(_ regime: SceneRegime, _ scene: String) {
        say("  \(padded(scene, 44))  \(regime.text)")
    }

    static func remark(_ kind: String, _ part: String, _ reason: String) {
        say("  \(kind): \(part): \(reason)")
    }

    static func end(_ outcomes: [Budget.Outcome], _ results: Results) {
        say("\nBUDGETS (load \(Setting.load) now)")
        for outcome in outcomes {
            let budget = outcome.budget
            let value = outcome.value.map { "\(number($0)) \(budget.limit.unit)" } ?? "-"
            say(
                "  \(padded(budget.name, 38))\(padded(budget.peer, 17))\(padded(value, 20))\(padded(budget.limit.text, 19))"
                    + outcome.verdict.rawValue + (outcome.remark.isEmpty ? "" : ": \(outcome.remark)"))
        }
        let counts: [Budget.Verdict] = [.met, .missed, .unclear, .skipped]
        say(
            counts.map { verdict in "\(outcomes.count { $0.verdict == verdict }) \(verdict.rawValue)" }.joined(
                separator: ", "))
        for failure in results.failures { reportError("\(failure.part): \(failure.reason)") }
    }

    /// Writes without buffering, so that a long run can be watched through a pipe.
    private static func say(_ line: String) {
        FileHandle.standardOutput.write(Data((line + "\n").utf8))
    }

    static func reportError(_ text: String) {
        FileHandle.standardError.write(Data("benchmarks: \(text)\n".utf8))
    }

    /// Writes all results as JSON.
    static func write(_ outcomes: [Budget.Outcome], _ results: Results, _ setting: Setting, to path: String) throws {
        let run = Run(
            date: ISO8601DateFormatter().string(from: Date()), load: Setting.load, isQuick: setting.isQuick,
            budgets: outcomes.map {
                Run.BudgetRow(
                    name: $0.budget.name, peer: $0.budget.peer, limit: $0.budget.limit.text,
                    computation: $0.budget.computation.text, value: $0.value, unit: $0.budget.limit.unit,
                    verdict: $0.verdict, remark: $0.remark)
            }, results: results.series, regimes: results.regimes, skipped: results.skips, failed: results.failures)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        try encoder.encode(run).write(to: URL(fileURLWithPath: path))
    }

    private struct Run: Encodable {
        struct BudgetRow: Encodable {
            let name, peer, limit, computation: String
            let value: Double?
            let unit: String
            let verdict: Budget.Verdict
            let remark: String
        }

        let date, load: String
        let isQuick: Bool
        let budgets: [BudgetRow]
        let results: [Series]
        let regimes: [String: SceneRegime]
        let skipped, failed: [Results.Remark]
    }

    /// The number with up to four significant digits.
    static func number(_ value: Double) -> String {
        let digits = abs(value) >= 1000 ? 0 : abs(value) >= 100 ? 1 : abs(value) >= 10 ? 2 : 3
        let text = String(format: "%.\(digits)f", value)
        guard digits > 0 else { return text }
        return String(text.reversed().drop { $0 == "0" }.drop { $0 == "." }.reversed())
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }

    private static func rightAligned(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(1, width - text.count)) + text
    }
}
