import ArgumentParser

/// A range in the notation of monitoring plugins: `10` (0 to 10), `10:` (10 or more), `~:10` (10 or less), `10:20`, and `@10:20`
/// for the values outside of 10 to 20.
struct MonitoringRange: Sendable {
    let start: Double
    let end: Double
    /// Whether the values inside are the bad ones.
    let isInverted: Bool
    /// The text as the user wrote it.
    let text: String

    init?(_ text: some StringProtocol) {
        self.text = String(text)
        isInverted = text.hasPrefix("@")
        let parts = text.dropFirst(isInverted ? 1 : 0).split(separator: ":", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let last = parts.last else { return nil }
        let start = parts.count == 1 ? 0 : parts[0] == "~" ? -Double.infinity : Double(parts[0])
        let end = parts.count == 2 && last.isEmpty ? Double.infinity : Double(last)
        guard let start, let end, start <= end, start < .infinity, end > -.infinity else { return nil }
        guard start.isFinite || parts[0] == "~", end.isFinite || last.isEmpty else { return nil }
        (self.start, self.end) = (start, end)
    }

    /// Whether a value is bad; one that is no number always is.
    func isBad(_ value: Double) -> Bool { value.isNaN || (start...end).contains(value) == isInverted }
}

/// One range or two: `critical`, or `warning,critical`.
struct Threshold: ExpressibleByArgument {
    let warning: MonitoringRange?
    let critical: MonitoringRange?

    /// `nil` if there is no limit, or if no value could be a warning without being critical, which is a mistake.
    init?(warning: MonitoringRange?, critical: MonitoringRange?) {
        guard warning != nil || critical != nil else { return nil }
        if let warning, let critical, !warning.isInverted, !critical.isInverted {
            guard warning.end <= critical.end, warning.start >= critical.start || !warning.start.isFinite else {
                return nil
            }
        }
        (self.warning, self.critical) = (warning, critical)
    }

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
        let ranges = parts.compactMap { MonitoringRange($0) }
        guard (1...2).contains(parts.count), ranges.count == parts.count else { return nil }
        self.init(warning: ranges.count == 2 ? ranges[0] : nil, critical: ranges.last)
    }

    /// The state that a value leads to.
    func state(of value: Double) -> CheckState {
        if critical?.isBad(value) == true { return .critical }
        return warning?.isBad(value) == true ? .warning : .ok
    }

    /// Whether every limit is one that the value can have.
    func isWithin(_ domain: ClosedRange<Double>) -> Bool {
        [warning, critical].compactMap(\.self).flatMap { [$0.start, $0.end] }
            .allSatisfy { $0.isInfinite || domain.contains($0) }
    }

    /// The thresholds in the notation of performance data.
    var text: String { "\(warning?.text ?? "");\(critical?.text ?? "")" }
}

extension MonitoringRange: ExpressibleByArgument {
    init?(argument: String) { self.init(argument) }
}

/// The result of a check: the exit status of monitoring plugins.
package enum CheckState: Int32, CaseIterable, Comparable {
    case ok = 0
    case warning = 1
    case critical = 2
    case unknown = 3

    /// The word in the plugin's output.
    var word: String {
        switch self {
        case .ok: "OK"
        case .warning: "WARNING"
        case .critical: "CRITICAL"
        case .unknown: "UNKNOWN"
        }
    }

    /// When a check has this state, for the help text.
    var meaning: String {
        switch self {
        case .ok: "everything is within its thresholds"
        case .warning: "something is outside of the range for a warning"
        case .critical: "something is outside of its range, a channel is halted or stuck, or a source does not answer"
        case .unknown:
            "there is no source, one is not trusted or cannot be read, a figure is missing or impossible, the time is over, "
                + "or the command line is wrong"
        }
    }

    /// By severity: ok, warning, unknown, critical.
    package static func < (left: CheckState, right: CheckState) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .ok: 0
        case .warning: 1
        case .unknown: 2
        case .critical: 3
        }
    }

    /// The states with their meanings, for the help text.
    static var help: String { allCases.map { "  \($0.rawValue)  \($0.word): \($0.meaning)" }.joined(separator: "\n") }
}
