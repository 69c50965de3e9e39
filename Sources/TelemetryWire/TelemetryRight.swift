/// What a client of a telemetry server may do. Each right includes the ones before it.
public enum TelemetryRight: String, Sendable, CaseIterable, Comparable {
    /// Read what the process reports.
    case read
    /// Also set counters to 0.
    case reset
    /// Also change what the process does, as by injecting faults. Commands with this right never take a path.
    case control

    /// Whether `right` includes `left` and more.
    public static func < (left: TelemetryRight, right: TelemetryRight) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .read: 0
        case .reset: 1
        case .control: 2
        }
    }
}
