import LinuxSystem

/// What the sources of a sweep have used together.
final class SweepTotals {
    /// The time that the thread has spent on messages, in nanoseconds.
    private(set) var processing: UInt64 = 0
    /// The bytes of all messages.
    private(set) var received = 0
    /// The bytes that each source may send, whatever the others send.
    private let share: Int
    private let limit: Int

    init(_ sweep: TelemetrySweep, sourceCount: Int) {
        limit = sweep.maximumTotalLength
        share = sweep.maximumTotalLength / max(sourceCount, 1)
    }

    /// The time without that for messages. By this clock a source does not lose the time that others cost.
    var now: MonotonicTime { MonotonicTime(nanoseconds: MonotonicTime.now.nanoseconds - processing) }

    /// Calls `body`, and adds its duration to ``processing``.
    ///
    /// - Returns: the duration in nanoseconds.
    func measuring(_ body: () -> Void) -> UInt64 {
        let began = MonotonicTime.now
        body()
        let duration = MonotonicTime.now.nanoseconds(since: began)
        processing += duration
        return duration
    }

    /// Adds a message; returns whether its source, which has sent `bytes` in all, may send so much.
    func add(_ length: Int, ofSourceWith bytes: Int) -> Bool {
        received += length
        return received <= limit || bytes <= share
    }
}
