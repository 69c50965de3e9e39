public import CDMADev
public import DMADev
internal import Glibc
public import LinuxSystem
public import Synchronization

/// The application's side of a descriptor ring: enqueue, doorbell, poll.
///
/// It is one pointer to constants on separate cache lines, so that a call through a function table accesses raw memory
/// only, without exclusivity checks or reference counts, and reads only what it needs. Exactly one thread at a time may
/// use it, except for `use`. All results are numbers: a ring index, a count, or a negative errno.
@frozen
public struct RingProducer: @unchecked Sendable {
    // The constants never change; the memory behind them has one writer each, see cdmadev.h.
    @usableFromInline let constants: UnsafeMutablePointer<Constants>

    /// The addresses of a ring's parts, and its mode.
    @usableFromInline
    struct Constants {
        @usableFromInline let descriptors: UnsafeMutablePointer<dmadev_descriptor>
        /// Buffer for descriptors that are not in the ring yet; see ``RingProducer/place(_:_:_:_:)``.
        @usableFromInline let stage: UnsafeMutablePointer<dmadev_descriptor>
        @usableFromInline let entries: UnsafeMutablePointer<dmadev_sge>
        @usableFromInline let doorbellTimes: UnsafeMutablePointer<UInt64>
        @usableFromInline let statuses: UnsafeMutablePointer<UInt16>
        @usableFromInline let doorbell: UnsafeMutablePointer<dmadev_producer_page>
        @usableFromInline let engine: UnsafeMutablePointer<dmadev_consumer_page>
        @usableFromInline let state: UnsafeMutablePointer<dmadev_producer_state>
        @usableFromInline let counters: UnsafeMutablePointer<dmadev_application_counters>
        @usableFromInline let bell: EngineBell
        /// The word is 0 when the engine has ended, or this process must not use the ring.
        let liveness: UnsafeMutablePointer<UInt64>?
        @usableFromInline let mask: UInt64
        @usableFromInline let stageMask: UInt64
        @usableFromInline let capacity: UInt64
        @usableFromInline let maximumEntries: Int
        @usableFromInline let isSilent: Bool
        @usableFromInline let hasLightDoorbell: Bool
        @usableFromInline let refusedFlags: UInt64
        /// By slot, in enqueue/dequeue mode: the structures that are enqueued.
        let operations: UnsafeMutablePointer<UnsafeMutablePointer<dmadev_op>?>?
    }

    /// Creates the application's side of a new ring.
    ///
    /// - Parameters:
    ///   - memory: new and zeroed; it must stay valid as long as this value is used.
    ///   - state: zeroed, on a separate cache line.
    ///   - bell: wakes the engine that serves the ring.
    ///   - liveness: a word that is 0 when the engine has ended; `nil` for an engine of this process.
    ///   - isSilent: completions are not polled; a slot is free when its operation has finished.
    ///   - hasPool: whether auto-free has a pool for the buffers.
    ///   - operations: memory for one pointer per slot, in enqueue/dequeue mode.
    public init(
        memory: RingMemory, state: UnsafeMutablePointer<dmadev_producer_state>, bell: EngineBell,
        liveness: UnsafeMutablePointer<UInt64>?, isSilent: Bool, hasPool: Bool,
        operations: UnsafeMutablePointer<UnsafeMutablePointer<dmadev_op>?>?
    ) {
        let stageCount = min(Self.stageCount, memory.layout.slotCount)
        constants = .allocateOnOwnCacheLines(capacity: 1)
        constants.initialize(
            to: Constants(
                descriptors: memory.descriptors, stage: .allocateOnOwnCacheLines(capacity: stageCount),
                entries: memory.entries, doorbellTimes: memory.doorbellTimes,
                statuses: memory.statuses, doorbell: memory.producerPage, engine: memory.consumerPage, state: state,
                counters: memory.applicationCounters, bell: bell, liveness: liveness,
                mask: UInt64(memory.layout.slotCount - 1),
                stageMask: UInt64(stageCount - 1), capacity: UInt64(memory.layout.descriptorCount),
                maximumEntries: memory.layout.maximumEntries,
                isSilent: isSilent,
                hasLightDoorbell: !memory.isInRegion && memory.consumerPage.pointee.light_doorbell != 0
                    && AsymmetricFence.isRegistered,
                refusedFlags: hasPool ? 0 : UInt64(DMADEV_DESC_AUTO_FREE),
                operations: operations))
        released = 0
    }

    /// Frees the memory of `init`; do not use the value afterwards.
    public func deallocate() {
        stage.deallocate()
        constants.deallocate()
    }

    @inlinable var descriptors: UnsafeMutablePointer<dmadev_descriptor> { constants.pointee.descriptors }
    @inlinable var stage: UnsafeMutablePointer<dmadev_descriptor> { constants.pointee.stage }
    @inlinable var entries: UnsafeMutablePointer<dmadev_sge> { constants.pointee.entries }
    @inlinable var doorbellTimes: UnsafeMutablePointer<UInt64> { constants.pointee.doorbellTimes }
    @inlinable var statuses: UnsafeMutablePointer<UInt16> { constants.pointee.statuses }
    @inlinable var doorbell: UnsafeMutablePointer<dmadev_producer_page> { constants.pointee.doorbell }
    @inlinable var engine: UnsafeMutablePointer<dmadev_consumer_page> { constants.pointee.engine }
    @inlinable var state: UnsafeMutablePointer<dmadev_producer_state> { constants.pointee.state }
    @inlinable var counters: UnsafeMutablePointer<dmadev_application_counters> { constants.pointee.counters }
    @inlinable var bell: EngineBell { constants.pointee.bell }
    @inlinable var mask: UInt64 { constants.pointee.mask }
    @inlinable var stageMask: UInt64 { constants.pointee.stageMask }
    @inlinable var capacity: UInt64 { constants.pointee.capacity }
    @inlinable var maximumEntries: Int { constants.pointee.maximumEntries }
    @inlinable var isSilent: Bool { constants.pointee.isSilent }
    @inlinable var hasLightDoorbell: Bool { constants.pointee.hasLightDoorbell }
    @inlinable var refusedFlags: UInt64 { constants.pointee.refusedFlags }
    private var operations: UnsafeMutablePointer<UnsafeMutablePointer<dmadev_op>?>? { constants.pointee.operations }

    // Indexes that never wrap; see the picture in cdmadev.h. Relaxed: the writer is the only reader, except for
    // snapshots by other threads.
    @inlinable var enqueued: UInt64 {
        get { state.member(\.enqueued).loadRelaxed() }
        nonmutating set { state.member(\.enqueued).storeRelaxed(newValue) }
    }
    @inlinable var staged: UInt64 {
        get { state.member(\.staged).loadRelaxed() }
        nonmutating set { state.member(\.staged).storeRelaxed(newValue) }
    }
    @inlinable var rung: UInt64 {
        get { state.member(\.rung).loadRelaxed() }
        nonmutating set { state.member(\.rung).storeRelaxed(newValue) }
    }
    @inlinable var released: UInt64 {
        get { state.member(\.released).loadRelaxed() }
        nonmutating set {
            state.member(\.released).storeRelaxed(newValue)
            state.member(\.full_at).storeRelaxed(newValue &+ capacity)
        }
    }
    @inlinable var completedSeen: UInt64 {
        get { state.member(\.completed_seen).loadRelaxed() }
        nonmutating set { state.member(\.completed_seen).storeRelaxed(newValue) }
    }
    @inlinable var failuresReported: UInt64 {
        get { state.member(\.failures_reported).loadRelaxed() }
        nonmutating set { state.member(\.failures_reported).storeRelaxed(newValue) }
    }
    @inlinable var engineCompleted: UInt64 { engine.member(\.completed).loadAcquiring() }

    // MARK: Enqueue

    /// Enqueues a copy; `rte_dma_copy`. `-ENOSPC` when the ring is full, `-EINVAL` for auto-free without a pool.
    @inlinable
    @inline(__always)
    public func enqueueCopy(_ source: UInt64, _ destination: UInt64, length: UInt32, flags: UInt64) -> Int32 {
        place(source, destination, Self.shape(DMADEV_KIND_COPY, length: length), flags)
    }

    /// The same for a copy that ``accepts(_:)`` has accepted, as the operation of an index for which there is room.
    @inlinable
    @inline(__always)
    func stageCopy(_ index: UInt64, _ source: UInt64, _ destination: UInt64, length: UInt32, _ flags: UInt64) -> Int32 {
        stage(index, source, destination, Self.shape(DMADEV_KIND_COPY, length: length), flags)
    }

    /// Enqueues a fill; `rte_dma_fill`. `-ENOSPC` when the ring is full.
    @inline(never)
    public func enqueueFill(_ pattern: UInt64, _ destination: UInt64, length: UInt32, flags: UInt64) -> Int32 {
        place(pattern, destination, Self.shape(DMADEV_KIND_FILL, length: length), flags)
    }

    /// Enqueues a copy between lists of equal total length, each with at most `maximumEntries` entries;
    /// `rte_dma_copy_sg`. `-ENOSPC` when the ring is full, `-EINVAL` when a list is too long.
    public func enqueueCopy(
        _ sources: UnsafePointer<dmadev_sge>?, _ destinations: UnsafePointer<dmadev_sge>?, _ sourceCount: UInt16,
        _ destinationCount: UInt16, flags: UInt64
    ) -> Int32 {
        let sources = UnsafeBufferPointer(start: sources, count: Int(sourceCount))
        let destinations = UnsafeBufferPointer(start: destinations, count: Int(destinationCount))
        guard sources.count <= maximumEntries, destinations.count <= maximumEntries else { return -EINVAL }
        let index = enqueued
        guard hasRoom(at: index), accepts(flags) else { return reject(flags) }
        let region = entries + Int(truncatingIfNeeded: index & mask) * 2 * maximumEntries
        _ = UnsafeMutableBufferPointer(start: region, count: maximumEntries).update(fromContentsOf: sources)
        _ = UnsafeMutableBufferPointer(start: region + maximumEntries, count: maximumEntries)
            .update(fromContentsOf: destinations)
        let counts = UInt64(sources.count) << 48 | UInt64(destinations.count) << 56
        return stage(index, 0, 0, Self.shape(DMADEV_KIND_COPY_SG, length: 0) | counts, flags)
    }

    /// The third word of a descriptor, without its flags: length, kind, flags, nb_src, nb_dst; see cdmadev.h.
    @inlinable
    @inline(__always)
    static func shape(_ kind: Int32, length: UInt32) -> UInt64 {
        UInt64(length) | UInt64(kind) << 32
    }

    /// Enqueues the next descriptor if there is room.
    @inlinable
    @inline(__always)
    func place(_ source: UInt64, _ destination: UInt64, _ shape: UInt64, _ flags: UInt64) -> Int32 {
        let index = enqueued
        guard hasRoom(at: index), accepts(flags) else { return reject(flags) }
        return stage(index, source, destination, shape, flags)
    }

    /// Whether the ring can have an operation with these flags.
    @inlinable
    @inline(__always)
    func accepts(_ flags: UInt64) -> Bool { flags & refusedFlags == 0 }

    /// Writes the next descriptor to the stage.
    ///
    /// The engine last owned the ring's cache lines, so a store to them waits for its line and delays all later stores.
    /// The processor's store buffer has a limited number of entries: so descriptors are copied into the ring many at a
    /// time, without other stores between them.
    @inlinable
    @inline(__always)
    func stage(_ index: UInt64, _ source: UInt64, _ destination: UInt64, _ shape: UInt64, _ flags: UInt64) -> Int32 {
        let (state, stageMask) = (state, stageMask)
        let own = flags & UInt64(DMADEV_DESC_OPERATION_FLAGS)
        let slot = UnsafeMutableRawPointer(stage + Int(truncatingIfNeeded: index & stageMask))
        slot.storeBytes(of: source, as: UInt64.self)
        (slot + 8).storeBytes(of: destination, as: UInt64.self)
        // The handlers are the last members, in the same layout as in the flags.
        (slot + 16).storeBytes(of: shape | own << 40, as: UInt64.self)
        (slot + 24).storeBytes(of: flags >> 32, as: UInt64.self)
        state.member(\.enqueued).storeRelaxed(index &+ 1)
        let result = Int32(UInt16(truncatingIfNeeded: index))
        return flags & 2 != 0 || (index &+ 1) & stageMask == 0 ? clearStage(flags, thenReturn: result) : result
    }

    /// A tail call of an enqueue that rings the doorbell or fills the stage: other enqueues then need no stack frame.
    @usableFromInline
    @inline(never)
    func clearStage(_ flags: UInt64, thenReturn result: Int32) -> Int32 {
        if flags & 2 != 0 { submit() } else { clearStage() }
        return result
    }

    /// Copies the stage into the ring, and marks the first operation after a doorbell. Both sides are contiguous: the stage is
    /// cleared at its end, and the ring's length is a multiple of the stage's.
    @inlinable
    @inline(__always)
    func clearStage() {
        let (first, end) = (staged, enqueued)
        let slot = stage + Int(truncatingIfNeeded: first & stageMask)
        if first == rung { slot.pointee.flags |= UInt8(DMADEV_DESC_BATCH_FIRST) }
        (descriptors + Int(truncatingIfNeeded: first & mask))
            .update(from: slot, count: Int(truncatingIfNeeded: end &- first))
        staged = end
    }

    /// Maximum number of descriptors on the stage: a typical burst.
    private static let stageCount = 32

    @inlinable
    @inline(__always)
    func hasRoom(at index: UInt64) -> Bool {
        if index < state.member(\.full_at).loadRelaxed() { return true }
        guard isSilent else { return false }
        released = engineCompleted
        return index < state.member(\.full_at).loadRelaxed()
    }

    @usableFromInline
    @inline(never)
    func reject(_ flags: UInt64) -> Int32 {
        guard accepts(flags) else { return -EINVAL }
        counters.member(\.rejected).add(1)
        return -ENOSPC
    }

    // MARK: Doorbell

    /// Rings the doorbell: enqueued operations become visible to the engine; `rte_dma_submit`. Does nothing if nothing
    /// was enqueued.
    ///
    /// No wake-up is lost. The tail is stored before the engine's flag is read, and the engine sets its flag before its
    /// last read of the tail, with a full barrier between the two steps on each side: so either the engine reads the
    /// new tail and does not sleep, or this side reads the flag and rings the bell. A barrier here would wait until all
    /// enqueued descriptors have reached the ring. So the engine, which needs the barrier only before it sleeps, makes
    /// this side's processor execute one, if `AsymmetricFence` is available.
    @inlinable
    @inline(__always)
    public func submit() {
        guard enqueued != rung else { return }
        if staged != enqueued { clearStage() }
        doorbellTimes[Int(truncatingIfNeeded: rung & mask)] = Ticks.now
        rung = enqueued
        // Nothing is polled: slots of finished operations are free. The line is read below anyway.
        if isSilent { released = engineCompleted }
        let occupied = enqueued &- released
        counters.member(\.submitted).storeRelaxed(rung)
        counters.member(\.doorbells).add(1)
        let highWater = counters.member(\.high_water)
        if occupied > highWater.loadRelaxed() { highWater.storeRelaxed(occupied) }
        let tail = doorbell.member(\.tail)
        if hasLightDoorbell {
            tail.storeReleasing(enqueued)
            AsymmetricFence.light()
        } else {
            tail.atomic.pointee.store(enqueued, ordering: .sequentiallyConsistent)
        }
        if engine.member(\.need_wakeup).atomic.pointee.load(ordering: .sequentiallyConsistent) != 0 {
            bell.ring()
        }
    }

    // MARK: Poll

    /// Takes up to `count` successful operations off the ring; `rte_dma_completed`.
    ///
    /// It stops before the first failure, which stays for ``completedStatus(into:count:lastIndex:)``.
    ///
    /// - Parameters:
    ///   - lastIndex: set to the last ring index that either call reported; 0xFFFF: none.
    ///   - hasError: set when a failure is within the requested count.
    ///   - count: the most operations to take.
    @inlinable
    @inline(__always)
    public func completed(
        upTo count: UInt16, lastIndex: UnsafeMutablePointer<UInt16>, hasError: UnsafeMutablePointer<Bool>
    ) -> Int32 {
        let first = released
        var ready = finished(after: first, atMost: UInt64(count))
        var failed = false
        if ready != 0 {
            if engine.member(\.failed).loadRelaxed() != failuresReported {
                let successes = leadingSuccesses(ready)
                failed = successes < ready
                ready = successes
            }
            released = first &+ ready
        }
        lastIndex.pointee = UInt16(truncatingIfNeeded: first &+ ready &- 1)
        hasError.pointee = failed
        return Int32(truncatingIfNeeded: ready)
    }

    /// Takes up to `count` finished operations off the ring with their statuses; `rte_dma_completed_status`.
    @inlinable
    @inline(__always)
    public func completedStatus(
        into status: UnsafeMutablePointer<UInt16>, count: UInt16, lastIndex: UnsafeMutablePointer<UInt16>
    ) -> Int32 {
        let first = released
        let ready = finished(after: first, atMost: UInt64(count))
        for offset in 0..<ready {
            let value = statuses[Int(truncatingIfNeeded: (first &+ offset) & mask)]
            status[Int(offset)] = value
            if value != 0 { failuresReported &+= 1 }
        }
        released = first &+ ready
        lastIndex.pointee = UInt16(truncatingIfNeeded: first &+ ready &- 1)
        return Int32(truncatingIfNeeded: ready)
    }

    /// The number of finished operations from `first` on, up to `wanted`. The engine's cache line is read only when the
    /// last value read there is used up.
    @inlinable
    @inline(__always)
    func finished(after first: UInt64, atMost wanted: UInt64) -> UInt64 {
        var seen = completedSeen
        if seen &- first < wanted {
            let now = engineCompleted
            if now != seen {
                seen = now
                completedSeen = now
            }
        }
        return min(wanted, seen &- first)
    }

    @usableFromInline
    func leadingSuccesses(_ ready: UInt64) -> UInt64 {
        var offset: UInt64 = 0
        while offset < ready, statuses[Int(truncatingIfNeeded: (released &+ offset) & mask)] == 0 { offset &+= 1 }
        return offset
    }

    /// The number of free slots; `rte_dma_burst_capacity`. Each enqueue uses exactly one.
    @inlinable
    @inline(__always)
    public func burstCapacity() -> Int32 {
        if isSilent { released = engineCompleted }
        return Int32(truncatingIfNeeded: capacity &- (enqueued &- released))
    }

    // MARK: Operations as structures

    /// Enqueues operations and rings the doorbell; `rte_dma_enqueue_ops`. Returns the number enqueued.
    public func enqueue(_ given: UnsafePointer<UnsafeMutablePointer<dmadev_op>>, count: UInt16) -> Int32 {
        guard let operations else { return -ENOTSUP }
        var taken: Int32 = 0
        for operation in UnsafeBufferPointer(start: given, count: Int(count)) {
            let entries = UnsafePointer(UnsafeMutableRawPointer(operation + 1).assumingMemoryBound(to: dmadev_sge.self))
            let slot = Int(truncatingIfNeeded: enqueued & mask)
            let (sourceCount, destinationCount) = (operation.pointee.nb_src, operation.pointee.nb_dst)
            // One doorbell for all, below.
            let result = enqueueCopy(
                entries, entries + Int(sourceCount), sourceCount, destinationCount,
                flags: operation.pointee.flags & ~2)
            if result < 0 {
                if taken == 0, result != -ENOSPC { return result }
                break
            }
            operations[slot] = operation
            taken += 1
        }
        submit()
        return taken
    }

    /// Dequeues finished operations with their statuses; `rte_dma_dequeue_ops`. Returns their number.
    public func dequeue(into taken: UnsafeMutablePointer<UnsafeMutablePointer<dmadev_op>?>, count: UInt16) -> Int32 {
        guard let operations else { return -ENOTSUP }
        let ready = finished(after: released, atMost: UInt64(count))
        for offset in 0..<ready {
            let slot = Int(truncatingIfNeeded: (released &+ offset) & mask)
            operations[slot]?.pointee.status = UInt32(statuses[slot])
            if statuses[slot] != 0 { failuresReported &+= 1 }
            taken[Int(offset)] = operations[slot]
        }
        released &+= ready
        return Int32(truncatingIfNeeded: ready)
    }

    // MARK: Reading; by any thread.

    /// What tells a poll that nothing has finished.
    var pollWords: dmadev_poll_words {
        dmadev_poll_words(finished: engine.word(0), taken: state.member(\.released))
    }

    /// Whether the engine can end before the ring.
    var hasLiveness: Bool { constants.pointee.liveness != nil }

    /// Whether the engine runs and serves this process.
    @inline(__always)
    var isAlive: Bool {
        constants.pointee.liveness?.loadRelaxed() != 0
            && engine.member(\.halted).atomic.pointee.load(ordering: .acquiring) == 0
    }

    /// The number of operations in each state. The indexes change while they are read: the differences are clamped to 0
    /// and the ring's size.
    public var use: RingUse {
        let released = released
        let completed = max(engineCompleted, released)
        let polled = isSilent ? completed : released
        let tail = max(rung, completed)
        let end = max(enqueued, tail)
        return RingUse(
            empty: capacity &- min(end &- polled, capacity), pending: min(end &- tail, capacity),
            running: min(tail &- completed, capacity), completed: min(completed &- polled, capacity),
            nextIndex: UInt16(truncatingIfNeeded: end), lastIndex: UInt16(truncatingIfNeeded: polled &- 1))
    }
}
