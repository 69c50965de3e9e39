import Glibc
import LinuxSystem

/// Waits for an engine without blocking the processor that it may need: yields 1,000 times, then sleeps 50 µs at a
/// time.
final class Pause {
    private var count = 0

    /// Starts again with yielding; call it after progress.
    func reset() { count = 0 }

    /// Yields or sleeps once.
    func rest() {
        count += 1
        if count < 1000 {
            sched_yield()
        } else {
            usleep(50)
        }
    }

    /// Sleeps until a point in time.
    static func until(_ moment: MonotonicTime) {
        while moment > .now { poll(nil, 0, moment.millisecondsLeft) }
    }
}
