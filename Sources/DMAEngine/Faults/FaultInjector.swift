internal import CDMADev
internal import DMADev
internal import LinuxSystem

/// Injects the faults of one ring during execution by its engine. A ring with faults uses the general path, like a
/// traced one.
///
/// Used only by the thread that owns the ring's consumer.
final class FaultInjector {
    private var schedule: FailureSchedule
    private var freeze: UInt64
    private var halt: UInt64
    private let before: UInt64
    private let device: DeviceHalt
    /// The delay of completions, in nanoseconds and in ticks.
    private var delay: UInt64
    private(set) var delayTicks: UInt64
    private var updates: (source: FaultUpdates, seen: UInt64)?
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
        updates = faults.updates
        dueTimes = delay > 0 ? Array(repeating: 0, count: memory.layout.slotCount) : []
        doorbellTimes = dueTimes
        device.add(memory)
    }

    /// Follows a plan that was set meanwhile. A frozen channel goes on unless the new plan freezes it; a halted device stays
    /// halted.
    func update() {
        guard let (source, seen) = updates, source.number != seen else { return }
        let (plan, number) = source.latest
        updates = (source, number)
        schedule = FailureSchedule(plan.failures)
        freeze = plan.freeze?.number ?? .max
        halt = plan.halt?.number ?? .max
        isFrozen = false
        delay = plan.delayNanoseconds
        delayTicks = Ticks().ticks(delay)
        // Without a delay, every finished operation was visible.
        if delay > 0, dueTimes.isEmpty {
            dueTimes = Array(repeating: 0, count: Int(mask) + 1)
            doorbellTimes = dueTimes
        }
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
        update()
        // After the end of a delay, what it has held back.
        if delay == 0, visible != next { return true }
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
