/// Permits one log message of a kind per interval and counts the others, so that peers cannot flood the log.
///
/// For one thread.
public struct LogRateLimiter {
    private let interval: Duration
    private var next = MonotonicTime(nanoseconds: 0)
    private var suppressed: UInt64 = 0

    /// - Parameter interval: minimum time between two messages.
    public init(interval: Duration = .seconds(10)) {
        self.interval = interval
    }

    /// The number of messages suppressed since the last one, if a message may be logged now; else `nil`.
    public mutating func admit(at now: MonotonicTime = .now) -> UInt64? {
        guard now >= next else {
            suppressed &+= 1
            return nil
        }
        defer { suppressed = 0 }
        next = now.advanced(by: interval)
        return suppressed
    }
}
