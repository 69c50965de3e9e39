internal import CDMADev
internal import DMADev
internal import LinuxSystem

/// Injects the faults of one ring during execution by its engine. A ring with faults uses the general path, like a
/// traced one.
///
/// Used only by the thread that owns the ring's consumer.
final class FaultInjector {
    private let schedule: FailureSchedule
    private let freeze: UInt64
    private let halt: UInt64
    private let before: UInt64
    private let device: DeviceHalt
    /// The delay of completions, in nanoseconds and in ticks.
    private let delay: UInt64
    let delayTicks: UInt64
    /// By slot, for finished operations that are not visible yet: when they become visible, in nanoseconds of the
    /// monotonic clock.
    private var dueTimes: [UInt64]
    /// For the same operations: the doorbell's time, in ticks.
    private var doorbellTimes: [UInt64]
    private let mask: UInt64
    /// Operations below it are visible.
    private(set) var visible: UInt64 = 0
    /// The plan's freeze has started.
    private var isFrozen = false

    init(_ faults: RingFaults, memory: RingMemory) {
        schedule = FailureSchedule(faults.plan.failures)
        freeze = faults.plan.freeze?.number ?? .max
        halt = faults.plan.halt?.number ?? .max
        delay = faults.plan.delayNanoseconds
        delayTicks = Ticks().ticks(delay)
        before = faults.before
        device = faults.halt
        mask = UInt64(memory.layout.slotCount - 1)
        dueTimes = delay > 0 ? Array(repeating: 0, count: memory.layout.slotCount) : []
        doorbellTimes = dueTimes
        device.add(memory)
    }

    private func number(_ operation: UInt64) -> UInt64 { before &+ operation &+ 1 }

    /// Whether the next operation must not start, yet or ever. A halt starts after all earlier operations are visible.
    func stops(before operation: UInt64) -> Bool {
        if device.isHalted || isFrozen { return true }
        if number(operation) >= halt {
            if visible == operation { device.halt() }
            return true
        }
        isFrozen = number(operation) >= freeze
        return isFrozen
    }

    /// The planned status of an operation; `nil`: none.
    func status(of operation: UInt64) -> CompletionStatus? { schedule.status(ofOperation: number(operation)) }

    /// Records that an operation has finished, whose doorbell was rung at a time.
    func finished(_ operation: UInt64, rung: UInt64) {
        guard delay > 0 else { return }
        dueTimes[slot(operation)] = MonotonicTime.now.nanoseconds &+ delay
        doorbellTimes[slot(operation)] = rung
    }

    /// The doorbell's time of the next operation to become visible; `nil`: those below `end` are all visible.
    func nextDoorbellTime(before end: UInt64) -> UInt64? {
        delay > 0 && visible != end ? doorbellTimes[slot(visible)] : nil
    }

    /// The index below which operations may be visible now; those below `end` are finished.
    func advanceVisible(to end: UInt64) -> UInt64 {
        guard delay > 0 else {
            visible = end
            return end
        }
        let now = visible == end ? 0 : MonotonicTime.now.nanoseconds
        while visible != end, dueTimes[slot(visible)] <= now { visible &+= 1 }
        return visible
    }

    /// Makes all finished operations visible when the ring is stopped.
    func endDelay(at end: UInt64) { visible = end }

    /// Whether a ring whose operations below `next` are finished has work.
    func hasWork(tail: UInt64, next: UInt64) -> Bool {
        if nanosecondsUntilDue(next) == 0 { return true }
        guard tail != next, !isFrozen, !device.isHalted else { return false }
        return number(next) < halt || visible == next
    }

    /// Nanoseconds until the next operation becomes visible; `nil`: none is due.
    func nanosecondsUntilDue(_ next: UInt64) -> UInt64? {
        guard delay > 0, visible != next else { return nil }
        let (due, now) = (dueTimes[slot(visible)], MonotonicTime.now.nanoseconds)
        return due > now ? due - now : 0
    }

    private func slot(_ operation: UInt64) -> Int { Int(truncatingIfNeeded: operation & mask) }
}
