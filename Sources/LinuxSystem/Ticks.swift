public import CLinux

/// The fastest clock of the machine, for time stamps on a data path: the processor's time stamp counter where it runs
/// evenly, `CLOCK_MONOTONIC` else.
@frozen
public struct Ticks: Sendable {
    /// This moment; comparable with other moments of the machine only.
    @inlinable
    @inline(__always)
    public static var now: UInt64 { clinux_ticks() }

    /// What 2^32 ticks are in nanoseconds.
    @usableFromInline let nanosecondsPer4GTicks: UInt64

    /// Measures the clock: the first call of a process takes up to 2 ms.
    public init() {
        nanosecondsPer4GTicks = clinux_nanoseconds_per_4g_ticks()
    }

    /// Nanoseconds from one moment to another, 0 when it is not the later one (processors may differ a little).
    @inlinable
    @inline(__always)
    public func nanoseconds(from begin: UInt64, to end: UInt64) -> UInt64 {
        guard end > begin else { return 0 }
        let product = (end &- begin).multipliedFullWidth(by: nanosecondsPer4GTicks)
        return product.high << 32 | product.low >> 32
    }

    /// How many ticks a time has, rounded down.
    ///
    /// - Parameter nanoseconds: an hour at most.
    public func ticks(_ nanoseconds: UInt64) -> UInt64 {
        nanosecondsPer4GTicks.dividingFullWidth((nanoseconds >> 32, nanoseconds << 32)).quotient
    }
}
