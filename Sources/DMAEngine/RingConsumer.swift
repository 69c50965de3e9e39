internal import CDMADev
internal import CDMATrace
internal import CLinux
internal import DMADev
internal import LinuxSystem
internal import Synchronization

/// The engine's side of a descriptor ring: fetch, execute, publish.
///
/// Only the engine's thread uses it while the ring is attached; after that, the thread that detached it. It does not
/// trust memory that the application can write: indexes are masked, a descriptor is fetched once and then checked, and
/// published values are never read back.
struct RingConsumer {
    /// Identifies the ring in traces.
    struct Owner {
        let engine: UInt32
        /// Unique in this process.
        let ring: UInt64
        let device: Int16
        let vchan: UInt16
    }

    /// Operations executed before their completions are published together; more would only delay the first.
    static let burst = 32
    /// Bytes moved before the engine checks other rings and its control words.
    static let chunk = 256 * 1024

    let owner: Owner
    let tail: UnsafeMutablePointer<UInt64>
    let descriptors: UnsafeMutablePointer<dmadev_descriptor>
    let entries: UnsafeMutablePointer<dmadev_sge>
    let statuses: UnsafeMutablePointer<UInt16>
    let published: UnsafeMutablePointer<dmadev_consumer_page>
    /// For a ring in a region: where the application reads what is published.
    let copy: RingCopy?
    /// For the same: operations below these indexes are copied, and have a doorbell time.
    var copied: UInt64 = 0, seen: UInt64 = 0
    /// The number of failures when the counters were copied.
    var copiedFailures: UInt64 = 0
    /// The first operation of the current batch.
    var batchStart: UInt64 = 0
    let counters: UnsafeMutablePointer<dmadev_engine_counters>
    let mask: UInt64
    /// The highest number of rung operations that is possible; 0: an impossible one has halted the ring.
    private(set) var limit: UInt64
    let maximumEntries: Int
    let doorbellTimes: UnsafeMutablePointer<UInt64>
    let spaces: AddressSpaces
    let domains: RingDomains?
    /// The dma-bufs to synchronize with; the ring keeps the table alive.
    let buffers: EngineTable<DMABufferMap.Buffer>?
    let giveBack: (@Sendable (UInt64) -> Void)?
    let faults: FaultInjector?
    /// For rings whose operations can access ``SynchronizedMemory``.
    let synchronizer: Synchronizer?
    let ticks = Ticks()
    /// That of the engine while the ring is attached, else ``ownActivity``.
    var activity: EngineActivity.Place
    private let ownActivity: EngineActivity.Place

    var next: UInt64 = 0
    /// The most operations of a step: fewer than a burst if only these may access their memory.
    var most = UInt64(Self.burst)
    /// For each dma-buf the accesses of the current step.
    var accesses: [DMABuffer.Access] = []
    /// The dma-bufs whose accesses have begun and not ended.
    var accessed: Buffers?
    /// Descriptors below this index were prefetched.
    private var fetched: UInt64 = 0
    var failed: UInt64 = 0
    /// An operation of the current batch has failed.
    var batchFailed = false
    /// A fence follows that failure: the rest of the batch is not attempted.
    var batchAbandoned = false
    /// The operation at `next`, if it was started and has bytes left.
    var running: Operation?
    var tally = Tally()
    /// Operations finished and not yet published, by batch.
    let unpublished: UnsafeMutablePointer<(rung: UInt64, count: UInt64)>
    var unpublishedBatches = 0
    /// The doorbell's time of the current batch.
    var rung: UInt64 = 0
    /// For a trace, and not kept up to date without one: the time at which the current step began, and the last batch
    /// that was begun.
    var stepTime: UInt64 = 0
    var begun = CompletedBurst.BegunBatch()

    /// Private counters; copies are published.
    struct Tally {
        var completed: UInt64 = 0
        var errors: UInt64 = 0
        var bytes: UInt64 = 0
        var latencySum: UInt64 = 0
    }

    init(
        memory: RingMemory, owner: Owner, spaces: AddressSpaces, domains: RingDomains? = nil,
        buffers: EngineTable<DMABufferMap.Buffer>? = nil, giveBack: (@Sendable (UInt64) -> Void)? = nil,
        faults: FaultInjector? = nil, synchronizer: Synchronizer? = nil
    ) {
        self.owner = owner
        tail = memory.producerPage.member(\.tail)
        descriptors = memory.descriptors
        entries = memory.entries
        doorbellTimes = memory.doorbellTimes
        statuses = memory.statuses
        self.spaces = spaces
        self.domains = domains
        self.buffers = buffers
        self.giveBack = giveBack
        self.faults = faults
        self.synchronizer = synchronizer
        unpublished = .allocateOnOwnCacheLines(capacity: Self.burst)
        ownActivity = EngineActivity.allocate()
        activity = ownActivity
        published = memory.consumerPage
        copy = memory.copy
        counters = memory.engineCounters
        mask = UInt64(memory.layout.slotCount - 1)
        limit = UInt64(memory.layout.slotCount)
        maximumEntries = memory.layout.maximumEntries
    }

    /// Frees the memory of `init`; do not use the value afterwards.
    func deallocate() {
        ownActivity.deallocate()
        unpublished.deallocate()
    }

    /// Counts the time of the work for an engine, or for none: after the ring is detached, another thread works.
    mutating func account(for activity: EngineActivity.Place?) {
        self.activity = activity ?? ownActivity
    }

    /// Executes up to a burst of operations and a chunk of bytes.
    ///
    /// - Returns: whether there was work.
    mutating func step() -> Bool {
        // Before the tail is read: the application may write it all the time.
        guard limit != 0 else { return false }
        if let synchronizer, synchronizer.isBlocked, !unblock(synchronizer) { return false }
        if let buffers, buffers.contents.count != 0 { return step(buffers.contents) }
        return stepUnsynchronized()
    }

    /// The same for operations that need not be synchronized with other users of their memory.
    @inline(__always)
    mutating func stepUnsynchronized() -> Bool {
        if let faults { return step(faults) }
        let rung = tail.loadAcquiring()
        var waiting = waiting(upTo: rung)
        guard waiting != 0 else { return false }
        noteStepTime()
        fetchAhead(upTo: rung)
        var budget = Self.chunk
        while waiting != 0, budget > 0 {
            waiting &-= executeRun(atMost: waiting, budget: &budget)
            guard waiting != 0, budget > 0 else { break }
            guard let status = execute(&budget) else {
                noteChunk()
                break
            }
            finish(status)
            waiting &-= 1
        }
        publish(upTo: next, delay: 0)
        return true
    }

    /// The same on a ring with faults: operations that the plan stops are not started.
    private mutating func step(_ faults: FaultInjector) -> Bool {
        let rung = tail.loadAcquiring()
        // After the tail: an operation that is submitted after the plan was replaced follows the new one.
        faults.update()
        let (first, visible) = (next, faults.visible)
        var waiting = waiting(upTo: rung)
        noteStepTime()
        var budget = Self.chunk
        while waiting != 0, budget > 0, running != nil || !faults.stops(before: next) {
            guard let status = execute(&budget) else {
                noteChunk()
                break
            }
            finish(status)
            waiting &-= 1
        }
        publish()
        return next != first || budget != Self.chunk || faults.visible != visible
    }

    /// Counts the time of a step that has moved a part of an operation.
    private mutating func noteChunk() {
        EngineActivity.add(to: activity, since: rung, until: Ticks.now)
        if begun.rung != rung { begun = CompletedBurst.BegunBatch(rung: rung, time: stepTime) }
    }

    /// Once per burst, and only for a trace: otherwise the engine reads the clock at publications only.
    @inline(__always)
    mutating func noteStepTime() {
        if dmatrace_dmadev_engine_completed_burst_enabled() { stepTime = Ticks.now }
    }

    /// Whether the application can be on another operating system.
    var isInRegion: Bool { copy != nil }

    /// Operations to execute in a step. More than the ring's size is impossible, and halts the ring for good.
    @inline(__always)
    private mutating func waiting(upTo rung: UInt64) -> UInt64 {
        let waiting = rung &- next
        guard waiting <= limit else { return halt() }
        if isInRegion { noteDoorbells(upTo: rung) }
        return min(waiting, most)
    }

    /// For a ring in a region: doorbells are timed here, when the engine sees them. The application's clock is another one.
    @inline(never)
    mutating func noteDoorbells(upTo rung: UInt64) {
        // An untrusted application can move its doorbell back.
        guard rung &- next > seen &- next else { return }
        let now = Ticks.now
        while seen != rung {
            (doorbellTimes + Int(truncatingIfNeeded: seen & mask)).storeRelaxed(now)
            seen &+= 1
        }
    }

    /// Ends the ring: nothing that the application writes is read any more, and what is not finished never is.
    @inline(never)
    private mutating func halt() -> UInt64 {
        limit = 0
        running = nil
        published.member(\.halted).atomic.pointee.store(1, ordering: .releasing)
        copy?.halt()
        return 0
    }

    /// Prefetches the cache lines of rung descriptors, up to two bursts, all at once: otherwise each line would be
    /// waited for in turn.
    @inline(__always)
    private mutating func fetchAhead(upTo rung: UInt64) {
        let end = next &+ min(rung &- next, 2 * UInt64(Self.burst))
        if fetched < next { fetched = next }
        while fetched < end {
            clinux_prefetch_to_read(descriptors + Int(truncatingIfNeeded: fetched & mask))
            // Two slots per line.
            fetched = (fetched &+ 2) & ~1
        }
        clinux_prefetch_to_read(tail)
    }

    /// Executes the operation at `next`, or its next part.
    ///
    /// - Returns: its status, or `nil` when the budget was used up first.
    mutating func execute(_ budget: inout Int) -> CompletionStatus? {
        var operation: Operation
        if let begun = running {
            operation = begun
        } else {
            operation = beginOperation()
            if batchAbandoned || faults != nil {
                running = operation
                if let status = batchAbandoned ? .notAttempted : faults?.status(of: next) { return status }
            }
        }
        let region = UnsafePointer(entries + Int(next & mask) * 2 * maximumEntries)
        if let domains {
            return executeAcross(domains, &operation, region, &budget)
        }
        let status = operation.advance(
            entries: region, maximumEntries: maximumEntries, spaces: spaces, budget: &budget)
        running = operation
        return status
    }

    /// Fetches the operation at `next`, which may begin a batch, and may be a fence after a failure.
    @inline(__always)
    mutating func beginOperation() -> Operation {
        let descriptor = dmadev_fetch_descriptor(descriptors + Int(next & mask))
        if descriptor.flags & UInt8(DMADEV_DESC_BATCH_FIRST) != 0 {
            beginBatch(doorbellTimes[Int(next & mask)], at: next)
        }
        if batchFailed, descriptor.flags & UInt8(DMADEV_DESC_FENCE) != 0 { batchAbandoned = true }
        dmatrace_dmadev_engine_operation_start(
            owner.engine, owner.ring, owner.device, owner.vchan, UInt16(truncatingIfNeeded: next), descriptor.kind,
            UInt64(descriptor.length))
        return Operation(descriptor)
    }

    mutating func beginBatch(_ time: UInt64, at index: UInt64) {
        batchStart = index
        batchFailed = false
        batchAbandoned = false
        rung = time
    }

    /// The same for operations that may cross domains: access rights are looked up again for each part.
    private mutating func executeAcross(
        _ domains: RingDomains, _ operation: inout Operation, _ region: UnsafePointer<dmadev_sge>, _ budget: inout Int
    ) -> CompletionStatus? {
        let handlers = domains.handlers(of: operation.descriptor)
        let crossed = domains.spaces(for: handlers, spaces, synchronizer)
        let status = operation.advance(
            entries: region, maximumEntries: maximumEntries, spaces: crossed, budget: &budget)
        running = operation
        guard let status else { return nil }
        if let synchronizer, blocks(synchronizer, status, operation, region, crossed) { return nil }
        return domains.finalStatus(status, operation, handlers)
    }

    mutating func finish(_ status: CompletionStatus) {
        let kind = running?.kind ?? 0
        let slot = Int(next & mask)
        statuses[slot] = status.rawValue
        if status != .successful {
            failed &+= 1
            batchFailed = true
            traceFailure(status)
        }
        if isCounting { count(status, kind, running?.moved ?? 0) }
        if let giveBack, let descriptor = running?.descriptor, descriptor.flags & UInt8(DMADEV_DESC_AUTO_FREE) != 0 {
            release(descriptor, slot, giveBack)
        }
        countForLatency(1)
        faults?.finished(next, rung: rung)
        dmatrace_dmadev_engine_operation_finish(
            owner.engine, owner.ring, owner.device, owner.vchan, UInt16(truncatingIfNeeded: next), status.rawValue)
        running = nil
        next &+= 1
    }

    /// Records the failure of the running operation.
    @inline(never)
    private func traceFailure(_ status: CompletionStatus) {
        guard dmatrace_dmadev_engine_operation_failed_enabled(), let descriptor = running?.descriptor else { return }
        var (length, source, destination) = (UInt64(descriptor.length), descriptor.src, descriptor.dst)
        if descriptor.kind == UInt8(DMADEV_KIND_COPY_SG), maximumEntries > 0 {
            let region = entries + Int(next & mask) * 2 * maximumEntries
            source = dmadev_fetch_sge(region).addr
            destination = dmadev_fetch_sge(region + maximumEntries).addr
            length = (0..<min(Int(descriptor.nb_src), maximumEntries)).reduce(0) {
                $0 &+ UInt64(dmadev_fetch_sge(region + $1).length)
            }
        }
        dmatrace_emit_dmadev_engine_operation_failed(
            owner.engine, owner.ring, owner.device, owner.vchan, UInt16(truncatingIfNeeded: next), descriptor.kind,
            status.rawValue, length, source, destination)
    }

    @inline(__always)
    private mutating func count(_ status: CompletionStatus, _ kind: UInt8, _ moved: UInt64) {
        tally.completed &+= 1
        counters.member(\.kinds).word(Int(kind < UInt8(DMADEV_KIND_COUNT) ? kind : 0)).add(1)
        if status == .successful {
            tally.bytes &+= moved
        } else {
            counters.member(\.statuses).word(min(Int(status.rawValue), Int(DMADEV_STATUS_COUNT) - 1)).add(1)
            tally.errors &+= 1
            counters.member(\.errors).storeRelaxed(tally.errors)
        }
    }

    /// Whether so many operations are visible as finished, or the ring is halted.
    func hasPublished(_ target: UInt64) -> Bool {
        Int64(bitPattern: published.member(\.completed).loadRelaxed() &- target) >= 0
            || published.member(\.halted).atomic.pointee.load(ordering: .relaxed) != 0
    }

    /// Sets or clears the flag that makes the application ring the bell; see ``RingProducer/submit()``.
    func setNeedWakeup(_ needed: Bool) {
        (copy?.page ?? published).member(\.need_wakeup).atomic.pointee
            .store(needed ? 1 : 0, ordering: .sequentiallyConsistent)
    }

    /// Whether rung operations are not finished; sequentially consistent with doorbells and the engine's flags.
    func hasWork() -> Bool {
        guard limit != 0 else { return false }
        if let synchronizer, synchronizer.isBlocked { return synchronizer.isReady }
        let tail = tail.atomic.pointee.load(ordering: .sequentiallyConsistent)
        return faults?.hasWork(tail: tail, next: next) ?? (tail != next)
    }

    /// The longest sleep before work is due without a doorbell, in nanoseconds; `nil`: unlimited.
    func nanosecondsUntilDue() -> UInt64? {
        guard limit != 0 else { return nil }
        return synchronizer?.nanosecondsUntilDue ?? faults?.nanosecondsUntilDue(next)
    }
}

// Whether operations are counted: always, except in the variant that measures the cost of counting; see
// scripts/check-instructions.
#if DMASCOPE_UNCOUNTED
    @inline(__always) var isCounting: Bool { false }
#else
    @inline(__always) var isCounting: Bool { true }
#endif
