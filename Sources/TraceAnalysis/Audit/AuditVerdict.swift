/// The result of an audit.
public enum AuditVerdict: String, Sendable, Comparable {
    /// Events, counters and histograms agree, one to one.
    case right
    /// The trace is not complete, or says too little: nothing follows.
    case inconclusive
    /// They do not agree, in a trace that has lost nothing.
    case wrong

    /// Whether the right one goes before the left one in the result of both.
    public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .right: 0
        case .inconclusive: 1
        case .wrong: 2
        }
    }
}
