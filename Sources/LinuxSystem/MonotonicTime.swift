import Glibc

/// A moment of the clock that never goes back, in nanoseconds.
///
/// C: `clock_gettime` with `CLOCK_MONOTONIC`
public struct MonotonicTime: Sendable, Hashable, Comparable {
    /// Nanoseconds since some moment before the machine started.
    public let nanoseconds: UInt64

    /// A moment.
    public init(nanoseconds: UInt64) {
        self.nanoseconds = nanoseconds
    }

    /// This moment.
    @inline(__always)
    public static var now: MonotonicTime {
        MonotonicTime(nanoseconds: readClock(CLOCK_MONOTONIC))
    }

    /// Nanoseconds since 1970, by the clock that people set.
    ///
    /// C: `clock_gettime` with `CLOCK_REALTIME`
    public static var wallClockNanoseconds: UInt64 { readClock(CLOCK_REALTIME) }

    /// Seconds since 1970, to the millisecond, by the clock that people set.
    public static var wallClockSeconds: Double { Double(wallClockNanoseconds / 1_000_000) / 1000 }

    /// Nanoseconds from an earlier moment to this one; 0 when it is not earlier.
    public func nanoseconds(since earlier: MonotonicTime) -> UInt64 {
        nanoseconds > earlier.nanoseconds ? nanoseconds - earlier.nanoseconds : 0
    }

    /// A later moment; durations below zero count as zero, too long ones end at the end of time.
    public func advanced(by duration: Duration) -> MonotonicTime {
        let (seconds, attoseconds) = duration.components
        guard seconds >= 0, attoseconds >= 0 else { return self }
        let (whole, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, sumOverflow) = nanoseconds.addingReportingOverflow(
            overflow ? .max : whole.addingReportingOverflow(UInt64(attoseconds) / 1_000_000_000).partialValue)
        return MonotonicTime(nanoseconds: overflow || sumOverflow ? .max : sum)
    }

    /// Milliseconds from now until this moment, rounded up, for `poll`; 0 when it is past.
    public var millisecondsLeft: Int32 {
        let left = nanoseconds(since: .now)
        return Int32(clamping: left / 1_000_000 + (left % 1_000_000 == 0 ? 0 : 1))
    }

    /// Earlier or not.
    public static func < (left: MonotonicTime, right: MonotonicTime) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    @inline(__always)
    private static func readClock(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        // Cannot fail for these two clocks.
        _ = clock_gettime(clock, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }
}
