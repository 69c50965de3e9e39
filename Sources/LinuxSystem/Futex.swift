public import CLinux
import Glibc
public import Synchronization

/// A 32-bit word that threads, or processes that share its memory, can sleep on.
///
/// The writer changes the word, then wakes; the waiter passes the value that it last read, so that a change in between
/// is never missed. C counterpart: `futex(2)`.
public enum Futex {
    /// Sleeps while the word equals `expected`; returns on a wake, a change, a signal or the deadline without
    /// distinction: the caller must check again.
    ///
    /// - Parameter nanoseconds: the longest sleep, `nil` for no limit.
    /// - Parameter word: shared by all threads that wait and wake.
    /// - Parameter expected: the call returns at once if the word has another value.
    public static func wait(
        _ word: UnsafeMutablePointer<Atomic<UInt32>>, while expected: UInt32, atMost nanoseconds: UInt64? = nil
    ) {
        guard let nanoseconds else {
            _ = clinux_futex_wait(word, expected, nil)
            return
        }
        var deadline = timespec()
        clock_gettime(CLOCK_MONOTONIC, &deadline)
        let sum = UInt64(deadline.tv_nsec) &+ nanoseconds % 1_000_000_000
        deadline.tv_sec += Int(nanoseconds / 1_000_000_000 + sum / 1_000_000_000)
        deadline.tv_nsec = Int(sum % 1_000_000_000)
        _ = clinux_futex_wait(word, expected, &deadline)
    }

    /// Wakes all waiters on the word.
    public static func wakeAll(_ word: UnsafeMutablePointer<Atomic<UInt32>>) {
        _ = clinux_futex_wake(word, CInt.max)
    }
}

/// A hint to the processor in a spinning loop; x86 `PAUSE`, Arm `YIELD`.
@inlinable
public func relaxProcessor() {
    clinux_relax()
}
