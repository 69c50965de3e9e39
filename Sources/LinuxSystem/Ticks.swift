public import CLinux

/// The fastest clock of the machine, for time stamps on a data path: the processor's time stamp counter if its rate is
/// constant, else `CLOCK_MONOTONIC`.
@frozen
public struct Ticks: Sendable {
    /// The current time; comparable only with other values of the same machine.
    @inlinable
    @inline(__always)
    public static var now: UInt64 { clinux_ticks() }

    /// Nanoseconds per 2^32 ticks.
    @usableFromInline let nanosecondsPer4GTicks: UInt64

    /// Measures the clock: the first call of a process takes up to 2 ms.
    public init() {
        nanosecondsPer4GTicks = clinux_nanoseconds_per_4g_ticks()
    }

    /// Nanoseconds from one time to another; 0 if it is not later (processors may differ slightly).
    @inlinable
    @inline(__always)
    public func nanoseconds(from begin: UInt64, to end: UInt64) -> UInt64 {
        guard end > begin else { return 0 }
        let product = (end &- begin).multipliedFullWidth(by: nanosecondsPer4GTicks)
        return product.high << 32 | product.low >> 32
    }

    /// Converts a duration to ticks, rounded down.
    ///
    /// - Parameter nanoseconds: at most one hour.
    public func ticks(_ nanoseconds: UInt64) -> UInt64 {
        nanosecondsPer4GTicks.dividingFullWidth((nanoseconds >> 32, nanoseconds << 32)).quotient
    }
}
