import Glibc
import LinuxSystem

/// Waits for an engine without blocking the processor that it may need: yields 1,000 times, then sleeps 50 µs at a
/// time.
package final class Pause {
    private var count = 0

    package init() {}

    /// Starts again with yielding; call it after progress.
    package func reset() { count = 0 }

    /// Yields or sleeps once.
    package func rest() {
        count += 1
        if count < 1000 {
            sched_yield()
        } else {
            usleep(50)
        }
    }

    /// Sleeps until a point in time.
    package static func until(_ moment: MonotonicTime) {
        while moment > .now { poll(nil, 0, moment.millisecondsLeft) }
    }
}
