/// Admits one log message of a kind per interval and counts the others, so that peers cannot fill the log.
///
/// Belongs to one thread.
public struct LogRateLimiter {
    private let interval: Duration
    private var next = MonotonicTime(nanoseconds: 0)
    private var suppressed: UInt64 = 0

    /// - Parameter interval: from one message to the next.
    public init(interval: Duration = .seconds(10)) {
        self.interval = interval
    }

    /// Whether a message may be logged now: then the number of messages that were suppressed since the last one.
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
