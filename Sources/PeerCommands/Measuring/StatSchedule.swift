import CommandSupport
import Glibc
import LinuxSystem

/// When the next readings are due. Those of all sources may take a tenth of a processor, those of brief ones a quarter: what
/// costs more comes less often.
struct StatSchedule {
    /// The kinds of readings.
    enum Reading {
        /// Of the sources that may end soon.
        case brief
        /// Of all sources that answer in time.
        case all
        /// Of all sources, for the end of an interval.
        case interval
    }

    private let period: Duration
    private let interval: Duration?
    private var nextBrief: MonotonicTime
    private var nextAll: MonotonicTime
    private var nextInterval: MonotonicTime?

    init(period: Duration, interval: Duration?) {
        (self.period, self.interval) = (period, interval)
        let now = MonotonicTime.now
        nextBrief = now.advanced(by: period / 10)
        nextAll = now.advanced(by: period)
        nextInterval = interval.map(now.advanced)
    }

    /// The next time at which something is due.
    var next: MonotonicTime { min(nextBrief, nextAll, nextInterval ?? nextAll) }

    /// What is due; the most that is.
    var due: Reading {
        if let nextInterval, nextInterval <= .now { return .interval }
        return nextAll <= .now ? .all : .brief
    }

    /// Takes a reading, and sets the time of the next one of its kind.
    mutating func measure(_ reading: Reading, _ body: () throws(Failure) -> Void) throws(Failure) {
        let before = Self.processorNanoseconds
        try body()
        let spent = Duration.nanoseconds(Int64(clamping: Self.processorNanoseconds - before))
        let now = MonotonicTime.now
        nextBrief = now.advanced(by: max(period / 10, reading == .brief ? spent * 3 : .zero))
        if reading != .brief { nextAll = now.advanced(by: max(period, spent * 9)) }
        if reading == .interval, let interval {
            // Intervals that a slow source has delayed are skipped.
            while let next = nextInterval, next <= now { nextInterval = next.advanced(by: interval) }
        }
    }

    private static var processorNanoseconds: UInt64 {
        var time = timespec()
        // Cannot fail for this clock.
        _ = clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }
}
