import ArgumentParser

/// One limit or two: `critical`, or `warning,critical`. A value is bad if it is above the limit.
struct Threshold: ExpressibleByArgument {
    let warning: Double?
    let critical: Double

    init?(argument: String) {
        let numbers = argument.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
        guard (1...2).contains(numbers.count), let critical = numbers.last ?? nil, let first = numbers.first ?? nil,
            first >= 0, first <= critical, critical.isFinite
        else { return nil }
        self.critical = critical
        warning = numbers.count == 2 ? first : nil
    }

    /// The state that a value leads to.
    func state(of value: Double) -> CheckState {
        if value > critical { return .critical }
        if let warning, value > warning { return .warning }
        return .ok
    }

    /// The thresholds in the notation of performance data.
    var text: String { "\(warning.map { "\($0)" } ?? "");\(critical)" }
}

/// The result of a check: the exit status of monitoring plugins.
enum CheckState: Int32, CaseIterable, Comparable {
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
        case .ok: "everything is below its thresholds"
        case .warning: "something is above the threshold for a warning"
        case .critical: "something is above its threshold, a channel is halted, or a source does not answer"
        case .unknown: "there is no source, a source is of a user who is not trusted, or sources cannot be read"
        }
    }

    /// By severity: ok, warning, unknown, critical.
    static func < (left: CheckState, right: CheckState) -> Bool { left.rank < right.rank }

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
