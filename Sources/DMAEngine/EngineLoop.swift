internal import CDMATrace
internal import LinuxSystem

/// The loop of an engine's thread.
struct EngineLoop: ~Copyable {
    private let shared: SharedState
    private let idleRounds: UInt32
    private let idling: EngineIdling
    private var forecast = PauseForecast()
    private let ticks = Ticks()
    private var turns = EngineTurns()
    private var rings = ServedRings()
    private var generation: UInt32 = 0
    private var watches = CompletionWatches()

    init(_ shared: SharedState, _ idleRounds: UInt32, _ idling: EngineIdling) {
        self.shared = shared
        self.idleRounds = idleRounds
        self.idling = idling
    }

    consuming func run() {
        dmatrace_dmadev_engine_engine_start(shared.id)
        // The kernel ends other sleeps up to 50 µs later than planned.
        if idling == .adaptive { SystemThread.sleepExactly() }
        EngineActivity.begin(shared.activity)
        var empty: UInt32 = 0
        while true {
            if shared.hasChanged(since: generation), !takeChanges() || !serveWatched() { break }
            if serveOnce(&empty) { pause() }
        }
        dmatrace_dmadev_engine_engine_stop(shared.id)
    }

    /// Serves each ring once, or pauses.
    ///
    /// - Parameter empty: the number of pauses since the last work.
    /// - Returns: whether there was nothing to do for so long that the thread should sleep.
    @inline(__always)
    private mutating func serveOnce(_ empty: inout UInt32) -> Bool {
        if turns.serve() {
            empty = 0
            return false
        }
        if empty < idleRounds {
            empty += 1
            relaxProcessor()
            return false
        }
        empty = 0
        return true
    }

    /// The same loop as long as rings are watched.
    ///
    /// - Returns: `false` when the engine must end.
    @inline(never)
    private mutating func serveWatched() -> Bool {
        var empty: UInt32 = 0
        watches.announce()
        while !watches.isEmpty {
            if shared.hasChanged(since: generation), !takeChanges() { return false }
            if serveOnce(&empty), watches.announceAll() { pause() }
            watches.announce()
        }
        return true
    }

    /// - Returns: `false` when the engine must end.
    private mutating func takeChanges() -> Bool {
        let assignment = shared.take()
        for change in assignment.changes {
            switch change {
            case .add(let ring, let key):
                turns.add(ring.node, key)
                rings.add(ring)
            case .remove(let removed):
                for ring in removed {
                    turns.remove(ring.node)
                    rings.remove(ring)
                }
                watches.remove(removed)
            case .watch(let watch): watches.add(watch)
            }
        }
        generation = assignment.generation
        shared.acknowledge(generation)
        return !assignment.isStopping
    }

    /// There has been no work for some time.
    @inline(never)
    private mutating func pause() {
        switch idling {
        case .sleep: sleep()
        case .spin: break
        case .adaptive: pauseAsForecast()
        }
    }

    /// Spins at the time at which a doorbell is expected, and sleeps before, and if none comes.
    private mutating func pauseAsForecast() {
        let begin = Ticks.now
        if let plan = forecast.plan {
            if plan.sleep > 0, sleep(atMost: plan.sleep) {
                forecast.addLateness(nanoseconds(since: begin) &- plan.sleep)
            }
            while nanoseconds(since: begin) < plan.end {
                if shared.hasChanged(since: generation) { return }
                if turns.serve() { return forecast.addPause(nanoseconds(since: begin)) }
                relaxProcessor()
            }
        }
        sleep()
        if turns.serve() { forecast.addPause(nanoseconds(since: begin)) }
    }

    private func nanoseconds(since begin: UInt64) -> UInt64 { ticks.nanoseconds(from: begin, to: Ticks.now) }

    /// Sleeps until a doorbell. This order loses no wake-up: read the bell, set the flags, pass the barrier, check for
    /// work again, sleep unless the bell has changed; see ``RingProducer/submit()`` for the other side. When the system
    /// has no memory for the barrier, it does not sleep, and tries again after another spin.
    ///
    /// - Parameter nanoseconds: the longest sleep; `nil`: no limit.
    /// - Returns: whether it has slept, and so long.
    @discardableResult
    private func sleep(atMost nanoseconds: UInt64? = nil) -> Bool {
        let bell = shared.bell.value()
        for ring in rings.all { ring.consumer.pointee.setNeedWakeup(true) }
        defer { for ring in rings.all { ring.consumer.pointee.setNeedWakeup(false) } }
        let hasPassed = AsymmetricFence.heavy() || !AsymmetricFence.isOffered
        guard hasPassed, !shared.hasChanged(since: generation),
            !rings.all.contains(where: { $0.consumer.pointee.hasWork() })
        else {
            return false
        }
        let begin = Ticks.now
        let due = rings.all.lazy.compactMap { $0.consumer.pointee.nanosecondsUntilDue() }.min()
        dmatrace_dmadev_engine_sleep(shared.id)
        EngineActivity.countSleep(shared.activity)
        shared.bell.sleep(
            unlessChangedFrom: bell, atMost: [nanoseconds, due].lazy.compactMap(\.self).min())
        dmatrace_dmadev_engine_wake(shared.id)
        EngineActivity.begin(shared.activity)
        return nanoseconds.map { self.nanoseconds(since: begin) >= $0 } ?? false
    }
}
