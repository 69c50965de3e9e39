import Glibc

/// A time of the monotonic clock, in nanoseconds.
///
/// C: `clock_gettime` with `CLOCK_MONOTONIC`
public struct MonotonicTime: Sendable, Hashable, Comparable {
    /// Nanoseconds since an unspecified time before the start of the machine.
    public let nanoseconds: UInt64

    /// From nanoseconds of the same clock.
    public init(nanoseconds: UInt64) {
        self.nanoseconds = nanoseconds
    }

    /// The current time.
    @inline(__always)
    public static var now: MonotonicTime {
        MonotonicTime(nanoseconds: readClock(CLOCK_MONOTONIC))
    }

    /// Nanoseconds since 1970, by the system's wall clock.
    ///
    /// C: `clock_gettime` with `CLOCK_REALTIME`
    public static var wallClockNanoseconds: UInt64 { readClock(CLOCK_REALTIME) }

    /// Seconds since 1970, to the millisecond, by the system's wall clock.
    public static var wallClockSeconds: Double { Double(wallClockNanoseconds / 1_000_000) / 1000 }

    /// Nanoseconds from an earlier time to this one; 0 if it is not earlier.
    public func nanoseconds(since earlier: MonotonicTime) -> UInt64 {
        nanoseconds > earlier.nanoseconds ? nanoseconds - earlier.nanoseconds : 0
    }

    /// A later time; durations below zero count as zero, too long ones saturate at the maximum.
    public func advanced(by duration: Duration) -> MonotonicTime {
        let (seconds, attoseconds) = duration.components
        guard seconds >= 0, attoseconds >= 0 else { return self }
        let (whole, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, sumOverflow) = nanoseconds.addingReportingOverflow(
            overflow ? .max : whole.addingReportingOverflow(UInt64(attoseconds) / 1_000_000_000).partialValue)
        return MonotonicTime(nanoseconds: overflow || sumOverflow ? .max : sum)
    }

    /// Milliseconds from now until this time, rounded up, for `poll`; 0 if it has passed.
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
