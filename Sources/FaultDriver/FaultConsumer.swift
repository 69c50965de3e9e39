internal import CDMADev
internal import DMADev
internal import DMAEngine
internal import Glibc
internal import LinuxSystem
internal import Synchronization

/// The engine's side of a ring whose operations another device runs: decide, feed, reap, publish.
///
///     published        decided            seen
///        │   some in the    │    waiting    │   not rung …
///        └── inner device ──┴───────────────┘
///
/// *Decide* takes operations in their order. One that is to fail, or is behind a fence that met a failure, gets its
/// status here and never reaches the inner device; any other is *fed* to it, without fence. *Reap* takes statuses from
/// the inner device; it keeps the order, so each is that of the oldest operation without one. *Publish* makes the oldest
/// ones visible that have a status and are old enough.
///
/// Fences are kept here, not by the inner device. A fenced operation is decided only when every operation before it has
/// its status, so it is known by then whether one of its batch has failed, and it makes no difference whether that was
/// made here or came from the inner device. As the inner device sees no fences, it never leaves out an operation by
/// itself, and what it runs is exactly what would have run.
///
/// Only the fault engine's thread uses it while that runs; who has joined the thread, after.
struct FaultConsumer {
    /// Looks at the inner device's completions at most so many at a time.
    static let burst = 64
    /// How long the engine sleeps at most while the inner device, which rings no bell here, is at work.
    static let nap: UInt64 = 50_000
    /// In the place of a status: the inner device has the operation.
    private static let pending = UInt16.max

    private let tail: UnsafeMutablePointer<UInt64>
    private let memory: RingMemory
    private let published: UnsafeMutablePointer<dmadev_consumer_page>
    private let counters: UnsafeMutablePointer<dmadev_engine_counters>
    private let inner: dmadev_data_path
    private let vchan: UInt16
    private let schedule: FailureSchedule
    private let freeze: FaultPlan.Outage?
    private let halt: FaultPlan.Outage?
    private let delay: UInt64
    private let giveBack: (@Sendable (UInt64) -> Void)?
    private let halted: UnsafeMutablePointer<UInt32>
    private let ticks = Ticks()
    private let mask: UInt64
    /// Operations that were rung on this channel before the start.
    private let before: UInt64

    // By slot, of the operations from `next` to `decided`, or to `seen`.
    private let outcomes: UnsafeMutablePointer<UInt16>
    private let doorbells: UnsafeMutablePointer<UInt64>
    private let dueTimes: UnsafeMutablePointer<UInt64>

    private var seen: UInt64 = 0
    private var decided: UInt64 = 0
    /// The first operation that may be in the inner device.
    private var reaped: UInt64 = 0
    /// The first operation that is not published.
    private var next: UInt64 = 0
    private var failed: UInt64 = 0
    /// Operations in the inner device.
    private(set) var innerCount: UInt64 = 0
    /// What the inner device has told of its operations since the start.
    private(set) var told = InnerStatuses()

    private var batchStart: UInt64 = 0
    private var batchDoorbell: UInt64 = 0
    /// An operation of the batch at `decided` has failed.
    private var batchFailed = false
    /// A fence met that failure: the rest of the batch is not attempted.
    private var batchAbandoned = false
    /// The plan's freeze has begun.
    private(set) var isFrozen = false

    /// - Parameters:
    ///   - plan: without the outages that are healed.
    ///   - inner: how the inner device's data path is called; this is its only user from now on.
    ///   - halted: set when the plan or the inner device ends all work; it outlives this value.
    init(
        memory: RingMemory, counters: RingCounters, plan: FaultPlan, inner: dmadev_data_path, vchan: UInt16,
        giveBack: (@Sendable (UInt64) -> Void)?, halted: UnsafeMutablePointer<UInt32>
    ) {
        self.memory = memory
        tail = memory.producerPage.pointer(to: \.tail)!
        published = memory.consumerPage
        self.counters = counters.engine
        self.inner = inner
        self.vchan = vchan
        schedule = FailureSchedule(plan.failures)
        freeze = plan.freeze
        halt = plan.halt
        delay = plan.delayNanoseconds
        self.giveBack = giveBack
        self.halted = halted
        before = counters.read().submitted
        let slots = memory.layout.slotCount
        mask = UInt64(slots - 1)
        outcomes = .allocate(capacity: slots)
        outcomes.initialize(repeating: 0, count: slots)
        doorbells = .allocate(capacity: slots)
        doorbells.initialize(repeating: 0, count: slots)
        dueTimes = .allocate(capacity: slots)
        dueTimes.initialize(repeating: 0, count: slots)
    }

    /// Frees what `init` allocated; nothing is called after it.
    func deallocate() {
        outcomes.deallocate()
        doorbells.deallocate()
        dueTimes.deallocate()
    }

    private func slot(_ operation: UInt64) -> Int { Int(truncatingIfNeeded: operation & mask) }

    // MARK: Rounds

    /// One round.
    ///
    /// - Returns: whether anything changed.
    mutating func step() -> Bool {
        let isNew = see()
        let decided = decide()
        let reaped = reap()
        let published = publish()
        return isNew || decided || reaped || published
    }

    /// Notes what was rung, and when it may be visible.
    private mutating func see() -> Bool {
        let rung = tail.loadAcquiring()
        guard rung != seen else { return false }
        if delay > 0 {
            let due = MonotonicTime.now.nanoseconds &+ delay
            for operation in seen..<rung { dueTimes[slot(operation)] = due }
        }
        seen = rung
        return true
    }

    private mutating func decide() -> Bool {
        let first = decided
        var hasFed = false
        while decided != seen, !isFrozen, !isHalted {
            guard let outcome = outcome(of: memory.descriptors[slot(decided)], hasFed: &hasFed) else { break }
            outcomes[slot(decided)] = outcome
            doorbells[slot(decided)] = batchDoorbell
            if outcome != Self.pending, outcome != 0 { batchFailed = true }
            decided &+= 1
        }
        if hasFed { _ = inner.submit(inner.driver, vchan) }
        return decided != first
    }

    /// What becomes of the operation at `decided`; `nil` when that cannot be said yet, or never.
    private mutating func outcome(of descriptor: dmadev_descriptor, hasFed: inout Bool) -> UInt16? {
        let number = before &+ decided &+ 1
        if let halt, number >= halt.number {
            // What was before it ends first.
            if next == decided { endAll(.byPlan) }
            return nil
        }
        if let freeze, number >= freeze.number {
            isFrozen = true
            return nil
        }
        if descriptor.flags & UInt8(DMADEV_DESC_BATCH_FIRST) != 0 {
            batchStart = decided
            batchDoorbell = memory.doorbellTimes[slot(decided)]
            batchFailed = false
            batchAbandoned = false
        }
        if descriptor.flags & UInt8(DMADEV_DESC_FENCE) != 0 {
            guard innerCount == 0 else { return nil }
            if batchFailed { batchAbandoned = true }
        }
        if let status = batchAbandoned ? .notAttempted : schedule.status(ofOperation: number) {
            release(decided)
            return status.rawValue
        }
        switch feed(descriptor) {
        case 0...:
            innerCount &+= 1
            hasFed = true
            return Self.pending
        case -ENOSPC: return nil
        case -EIO:
            endAll(.byInnerDevice)
            return nil
        default:
            release(decided)
            return CompletionStatus.unknown.rawValue
        }
    }

    private func feed(_ descriptor: dmadev_descriptor) -> Int32 {
        let flags = UInt64(descriptor.flags) & UInt64(DMADEV_DESC_LLC | DMADEV_DESC_AUTO_FREE)
        switch Int32(descriptor.kind) {
        case DMADEV_KIND_COPY:
            return inner.copy(inner.driver, vchan, descriptor.src, descriptor.dst, descriptor.length, flags)
        case DMADEV_KIND_FILL:
            return inner.fill(inner.driver, vchan, descriptor.src, descriptor.dst, descriptor.length, flags)
        default:
            let sources = entries(decided)
            return inner.copy_sg(
                inner.driver, vchan, sources, sources + memory.layout.maximumEntries, UInt16(descriptor.nb_src),
                UInt16(descriptor.nb_dst), flags)
        }
    }

    private func entries(_ operation: UInt64) -> UnsafePointer<dmadev_sge> {
        UnsafePointer(memory.entries + slot(operation) * 2 * memory.layout.maximumEntries)
    }

    /// Takes what the inner device has finished.
    private mutating func reap() -> Bool {
        guard innerCount > 0 else { return false }
        return withUnsafeTemporaryAllocation(of: UInt16.self, capacity: Self.burst) { statuses in
            // The buffer has places: it has an address.
            let first = statuses.baseAddress.unsafelyUnwrapped
            var lastIndex: UInt16 = 0
            let count = inner.completed_status(
                inner.driver, vchan, UInt16(clamping: min(innerCount, UInt64(Self.burst))), &lastIndex, first)
            if count < 0 { endAll(.byInnerDevice) }
            guard count > 0 else { return false }
            for status in statuses.prefix(Int(count)) { settle(status) }
            return true
        }
    }

    /// Gives a status to the oldest operation in the inner device.
    private mutating func settle(_ status: UInt16) {
        // Slots before `next` may be in use again.
        reaped = max(reaped, next)
        while outcomes[slot(reaped)] != Self.pending { reaped &+= 1 }
        outcomes[slot(reaped)] = status
        // A failure of an earlier batch is none of the current one.
        if status != 0, reaped >= batchStart { batchFailed = true }
        reaped &+= 1
        innerCount &-= 1
        told.byCode[status, default: 0] &+= 1
    }

    // MARK: Publishing

    /// Makes the oldest finished operations visible, as far as they are due.
    private mutating func publish() -> Bool {
        var last = next
        let now = delay > 0 && next != decided ? MonotonicTime.now.nanoseconds : 0
        while last != decided, outcomes[slot(last)] != Self.pending, delay == 0 || dueTimes[slot(last)] <= now {
            last &+= 1
        }
        guard last != next else { return false }
        publish(upTo: last)
        return true
    }

    /// Counters go first, the index last and with release: who has seen an operation finished finds it counted.
    private mutating func publish(upTo last: UInt64) {
        let now = Ticks.now
        var errors: UInt64 = 0
        var bytes: UInt64 = 0
        var latency: UInt64 = 0
        for operation in next..<last {
            let descriptor = memory.descriptors[slot(operation)]
            let status = CompletionStatus(rawValue: outcomes[slot(operation)])
            memory.statuses[slot(operation)] = status.rawValue
            counters.pointer(to: \.kinds)!.word(Int(min(descriptor.kind, UInt8(DMADEV_KIND_COUNT - 1)))).add(1)
            if status == .successful {
                bytes &+= byteCount(descriptor, operation)
            } else {
                failed &+= 1
                let place = min(Int(status.rawValue), Int(DMADEV_STATUS_COUNT) - 1)
                counters.pointer(to: \.statuses)!.word(place).add(1)
                errors &+= 1
            }
            let nanoseconds = ticks.nanoseconds(from: doorbells[slot(operation)], to: now)
            counters.pointer(to: \.latency_buckets)!.word(LatencyHistogram.bucket(of: nanoseconds)).add(1)
            latency &+= nanoseconds
        }
        counters.pointer(to: \.latency_sum)!.add(latency)
        counters.pointer(to: \.bytes)!.add(bytes)
        counters.pointer(to: \.errors)!.add(errors)
        let completed = counters.pointer(to: \.completed)!
        completed.storeReleasing(completed.loadRelaxed() &+ (last &- next))
        next = last
        published.pointer(to: \.failed)!.storeRelaxed(failed)
        published.pointer(to: \.completed)!.storeReleasing(next)
    }

    private func byteCount(_ descriptor: dmadev_descriptor, _ operation: UInt64) -> UInt64 {
        guard Int32(descriptor.kind) == DMADEV_KIND_COPY_SG else { return UInt64(descriptor.length) }
        return UnsafeBufferPointer(start: entries(operation), count: Int(descriptor.nb_src))
            .reduce(0) { $0 &+ UInt64($1.length) }
    }

    /// Gives the source buffers of an auto-free operation back that the inner device does not get.
    private func release(_ operation: UInt64) {
        let descriptor = memory.descriptors[slot(operation)]
        guard let giveBack, descriptor.flags & UInt8(DMADEV_DESC_AUTO_FREE) != 0 else { return }
        switch Int32(descriptor.kind) {
        case DMADEV_KIND_COPY: giveBack(descriptor.src)
        case DMADEV_KIND_COPY_SG:
            for entry in 0..<Int(descriptor.nb_src) { giveBack(entries(operation)[entry].addr) }
        default: break
        }
    }

    // MARK: Sleep

    private var isHalted: Bool { halted.atomic.pointee.load(ordering: .relaxed) != 0 }

    /// With release: who reads it finds what was published before.
    private func endAll(_ reason: Halt) { halted.atomic.pointee.store(reason.rawValue, ordering: .releasing) }

    /// Sets or clears the flag that asks the application to ring the bell.
    func setNeedWakeup(_ needed: Bool) {
        published.pointer(to: \.need_wakeup)!.atomic.pointee
            .store(needed ? 1 : 0, ordering: .sequentiallyConsistent)
    }

    /// Whether anything was rung that was not seen, as the last look before sleep.
    func hasNews() -> Bool {
        tail.atomic.pointee.load(ordering: .sequentiallyConsistent) != seen
    }

    /// Nanoseconds after which there may be something to do without a doorbell; `nil`: never.
    func patience() -> UInt64? {
        if innerCount > 0 { return Self.nap }
        guard next != decided else { return nil }
        let due = dueTimes[slot(next)]
        let now = MonotonicTime.now.nanoseconds
        return due > now ? due - now : 1
    }

    // MARK: The end

    /// Ends all that was rung, once neither the engine nor the inner device is at work.
    ///
    /// - Parameter rest: how the operations ended that the inner device had still; those that are missing there were
    ///   aborted.
    mutating func finish(_ rest: InnerStatuses) {
        for (code, count) in rest.byCode.sorted(by: { $0.key < $1.key }) {
            for _ in 0..<min(count, innerCount) { settle(code) }
        }
        while innerCount > 0 { settle(CompletionStatus.userAbort.rawValue) }
        _ = see()
        while decided != seen {
            let descriptor = memory.descriptors[slot(decided)]
            if descriptor.flags & UInt8(DMADEV_DESC_BATCH_FIRST) != 0 {
                batchDoorbell = memory.doorbellTimes[slot(decided)]
            }
            release(decided)
            outcomes[slot(decided)] = CompletionStatus.userAbort.rawValue
            doorbells[slot(decided)] = batchDoorbell
            decided &+= 1
        }
        publish(upTo: decided)
    }
}
