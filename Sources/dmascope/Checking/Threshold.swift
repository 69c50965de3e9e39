import ArgumentParser

/// A limit of a figure, or two: the first for a warning, the last is critical.
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

    /// What a figure means.
    func state(of value: Double) -> CheckState {
        if value > critical { return .critical }
        if let warning, value > warning { return .warning }
        return .ok
    }

    /// As monitoring plugins write it.
    var text: String { "\(warning.map { "\($0)" } ?? "");\(critical)" }
}

/// What a check ends with: the exit status of monitoring plugins.
enum CheckState: Int32, CaseIterable, Comparable {
    case ok = 0
    case warning = 1
    case critical = 2
    case unknown = 3

    /// As plugins write it.
    var word: String {
        switch self {
        case .ok: "OK"
        case .warning: "WARNING"
        case .critical: "CRITICAL"
        case .unknown: "UNKNOWN"
        }
    }

    /// When it comes, for people.
    var meaning: String {
        switch self {
        case .ok: "everything is below its thresholds"
        case .warning: "something is above the threshold for a warning"
        case .critical: "something is above its threshold, a channel is halted, a source does not answer"
        case .unknown: "there is no source, or they cannot be asked"
        }
    }

    /// Worse is more; unknown is worse than a warning, but what is known to be critical is worst.
    static func < (left: CheckState, right: CheckState) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .ok: 0
        case .warning: 1
        case .unknown: 2
        case .critical: 3
        }
    }

    /// The table, for people.
    static var help: String { allCases.map { "  \($0.rawValue)  \($0.word): \($0.meaning)" }.joined(separator: "\n") }
}
