/// Lets one message of a kind through now and then, and counts the others: strangers who misbehave fill no log.
///
/// Belongs to one thread.
public struct MessageBrake {
    private let interval: Duration
    private var next = MonotonicTime(nanoseconds: 0)
    private var held: UInt64 = 0

    /// - Parameter interval: from one message to the next.
    public init(interval: Duration = .seconds(10)) {
        self.interval = interval
    }

    /// Whether a message may go out at a moment; then how many were held back since the last one.
    public mutating func release(at now: MonotonicTime = .now) -> UInt64? {
        guard now >= next else {
            held &+= 1
            return nil
        }
        defer { held = 0 }
        next = now.advanced(by: interval)
        return held
    }
}
