internal import LinuxSystem

/// What an engine has done, in words that its thread writes and any thread reads.
///
/// Busy time is measured without a reading of the clock of its own: each publication of completions reads the clock for
/// the latencies anyway. It adds the time since the previous publication or, if that is later, since the doorbell of the
/// first operation that it publishes: before the doorbell the engine had no work. An operation that takes several steps
/// adds its time after each step of up to 256 KiB. The engine's wake-ups do not count.
struct EngineActivity {
    /// Ticks.
    private var busy: UInt64 = 0
    private var sleeps: UInt64 = 0
    /// Until when the time is accounted for, in ticks; for the engine's thread only.
    private var mark: UInt64 = 0

    typealias Place = UnsafeMutablePointer<EngineActivity>

    static func allocate() -> Place {
        let place = Place.allocateOnOwnCacheLines(capacity: 1)
        place.initialize(to: EngineActivity())
        return place
    }

    /// Adds the time up to `now` for operations whose doorbell was rung at `rung`. An application can write any time for
    /// its doorbell: one that is not in between is not used.
    @inline(__always)
    static func add(to place: Place, since rung: UInt64, until now: UInt64) {
        let mark = place.pointee.mark
        guard now > mark else { return }
        place.member(\.busy).add(now &- (rung &- mark < now &- mark ? rung : mark))
        place.pointee.mark = now
    }

    /// Begins a time with work: at the start, and after each sleep.
    static func begin(_ place: Place) {
        place.pointee.mark = Ticks.now
    }

    static func countSleep(_ place: Place) {
        place.member(\.sleeps).add(1)
    }

    static func read(_ place: Place) -> (busy: UInt64, sleeps: UInt64) {
        (place.member(\.busy).loadRelaxed(), place.member(\.sleeps).loadRelaxed())
    }
}
