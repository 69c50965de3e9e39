import Glibc
import LinuxSystem

/// Waits for an engine without hogging the processor that it may need: politely at first, then asleep.
final class Pause {
    private var count = 0

    /// Begins anew: something has come.
    func reset() { count = 0 }

    /// Waits a little, longer after the first times.
    func rest() {
        count += 1
        if count < 1000 {
            sched_yield()
        } else {
            usleep(50)
        }
    }

    /// Sleeps until a moment.
    static func until(_ moment: MonotonicTime) {
        while moment > .now { poll(nil, 0, moment.millisecondsLeft) }
    }
}
