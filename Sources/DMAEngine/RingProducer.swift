public import CDMADev
public import DMADev
internal import Glibc
public import LinuxSystem
public import Synchronization

/// The application's side of a descriptor ring: enqueue, doorbell, poll.
///
/// It is one pointer, to constants on cache lines of their own, so that a call through a table of functions touches raw
/// memory only, without exclusivity checks or reference counts, and reads just what it needs. Exactly one thread at a
/// time may use it, but for `use`. All results are numbers: a ring index or a count, or a negative errno.
@frozen
public struct RingProducer: @unchecked Sendable {
    // The constants never change; what they point to has one writer, as cdmadev.h says.
    @usableFromInline let constants: UnsafeMutablePointer<Constants>

    /// Where a ring's parts lie, and what its mode is.
    @usableFromInline
    struct Constants {
        @usableFromInline let descriptors: UnsafeMutablePointer<dmadev_descriptor>
        /// Where descriptors wait that are not in the ring yet; see ``RingProducer/place(_:_:_:_:)``.
        @usableFromInline let stage: UnsafeMutablePointer<dmadev_descriptor>
        @usableFromInline let entries: UnsafeMutablePointer<dmadev_sge>
        @usableFromInline let doorbellTimes: UnsafeMutablePointer<UInt64>
        @usableFromInline let statuses: UnsafeMutablePointer<UInt16>
        @usableFromInline let doorbell: UnsafeMutablePointer<dmadev_producer_page>
        @usableFromInline let engine: UnsafeMutablePointer<dmadev_consumer_page>
        @usableFromInline let state: UnsafeMutablePointer<dmadev_producer_state>
        @usableFromInline let counters: UnsafeMutablePointer<dmadev_application_counters>
        @usableFromInline let bell: EngineBell
        /// 0 behind it: the engine is gone, or not for this process.
        let liveness: UnsafeMutablePointer<UInt64>?
        @usableFromInline let mask: UInt64
        @usableFromInline let stageMask: UInt64
        @usableFromInline let capacity: UInt64
        @usableFromInline let maximumEntries: Int
        @usableFromInline let isSilent: Bool
        @usableFromInline let hasLightDoorbell: Bool
        @usableFromInline let refusedFlags: UInt64
        /// By slot, in enqueue/dequeue mode: the structures that are under way.
        let operations: UnsafeMutablePointer<UnsafeMutablePointer<dmadev_op>?>?
    }

    /// Makes the application's side of a new ring.
    ///
    /// - Parameters:
    ///   - memory: fresh, zeroed; it must outlive this value.
    ///   - state: zeroed, on a cache line of its own.
    ///   - bell: what wakes the engine that serves the ring.
    ///   - liveness: a word that is 0 when the engine is gone; `nil` for an engine of this process.
    ///   - isSilent: completions are not polled; a slot is free when its operation is done.
    ///   - hasPool: whether auto-free has a pool to give buffers back to.
    ///   - operations: room for a pointer a slot, in enqueue/dequeue mode.
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
                hasLightDoorbell: memory.consumerPage.pointee.light_doorbell != 0 && AsymmetricFence.isRegistered,
                refusedFlags: hasPool ? 0 : UInt64(DMADEV_DESC_AUTO_FREE),
                operations: operations))
    }

    /// Frees what `init` allocated; nothing is called after it.
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

    // Indexes that never wrap; see the picture in cdmadev.h. Relaxed: their one writer is their one reader, but for a
    // glimpse from another thread.
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
        nonmutating set { state.member(\.released).storeRelaxed(newValue) }
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

    /// Enqueues a fill; `rte_dma_fill`. `-ENOSPC` when the ring is full.
    @inline(never)
    public func enqueueFill(_ pattern: UInt64, _ destination: UInt64, length: UInt32, flags: UInt64) -> Int32 {
        place(pattern, destination, Self.shape(DMADEV_KIND_FILL, length: length), flags)
    }

    /// Enqueues a copy between lists, whose sums must be equal and whose counts at most `maximumEntries`;
    /// `rte_dma_copy_sg`. `-ENOSPC` when the ring is full, `-EINVAL` when a list is too long.
    public func enqueueCopy(
        _ sources: UnsafePointer<dmadev_sge>?, _ destinations: UnsafePointer<dmadev_sge>?, _ sourceCount: UInt16,
        _ destinationCount: UInt16, flags: UInt64
    ) -> Int32 {
        let sources = UnsafeBufferPointer(start: sources, count: Int(sourceCount))
        let destinations = UnsafeBufferPointer(start: destinations, count: Int(destinationCount))
        guard sources.count <= maximumEntries, destinations.count <= maximumEntries else { return -EINVAL }
        guard hasRoom(at: enqueued), flags & refusedFlags == 0 else { return reject(flags) }
        let region = entries + Int(truncatingIfNeeded: enqueued & mask) * 2 * maximumEntries
        _ = UnsafeMutableBufferPointer(start: region, count: maximumEntries).update(fromContentsOf: sources)
        _ = UnsafeMutableBufferPointer(start: region + maximumEntries, count: maximumEntries)
            .update(fromContentsOf: destinations)
        let counts = UInt64(sources.count) << 48 | UInt64(destinations.count) << 56
        return place(0, 0, Self.shape(DMADEV_KIND_COPY_SG, length: 0) | counts, flags)
    }

    /// The third word of a descriptor, without its flags: length, kind, flags, nb_src, nb_dst; see cdmadev.h.
    @inlinable
    @inline(__always)
    static func shape(_ kind: Int32, length: UInt32) -> UInt64 {
        UInt64(length) | UInt64(kind) << 32
    }

    /// Puts the next descriptor on the stage.
    ///
    /// The engine had the ring's cache lines last, and a store waits for its line and holds up all that follow it. What
    /// a processor can hold back meanwhile is counted in stores: so descriptors go into the ring many at a time, with
    /// no other store between them.
    @inlinable
    @inline(__always)
    func place(_ source: UInt64, _ destination: UInt64, _ shape: UInt64, _ flags: UInt64) -> Int32 {
        let index = enqueued
        guard hasRoom(at: index), flags & refusedFlags == 0 else { return reject(flags) }
        let own = flags & UInt64(DMADEV_DESC_OPERATION_FLAGS) | (index == rung ? UInt64(DMADEV_DESC_BATCH_FIRST) : 0)
        let slot = UnsafeMutableRawPointer(stage + Int(truncatingIfNeeded: index & stageMask))
        slot.storeBytes(of: source, as: UInt64.self)
        (slot + 8).storeBytes(of: destination, as: UInt64.self)
        // The handlers come last, as in the flags.
        (slot + 16).storeBytes(of: shape | own << 40, as: UInt64.self)
        (slot + 24).storeBytes(of: flags >> 32, as: UInt64.self)
        enqueued = index &+ 1
        let result = Int32(UInt16(truncatingIfNeeded: index))
        return flags & 2 != 0 || (index &+ 1) & stageMask == 0 ? clearStage(flags, thenReturn: result) : result
    }

    /// The last call of an enqueue that rings, or fills the stage: one without keeps nothing on the stack.
    @usableFromInline
    @inline(never)
    func clearStage(_ flags: UInt64, thenReturn result: Int32) -> Int32 {
        if flags & 2 != 0 { submit() } else { clearStage() }
        return result
    }

    /// Writes what is on the stage into the ring. It lies in one piece on both sides: the stage is cleared where it
    /// ends, and the ring is as long, or a multiple.
    @inlinable
    @inline(__always)
    func clearStage() {
        let (first, end) = (staged, enqueued)
        (descriptors + Int(truncatingIfNeeded: first & mask))
            .update(
                from: stage + Int(truncatingIfNeeded: first & stageMask), count: Int(truncatingIfNeeded: end &- first))
        staged = end
    }

    /// Descriptors on the stage at most: a usual burst.
    private static let stageCount = 32

    @inlinable
    @inline(__always)
    func hasRoom(at index: UInt64) -> Bool {
        if index &- released < capacity { return true }
        guard isSilent else { return false }
        released = engineCompleted
        return index &- released < capacity
    }

    @usableFromInline
    @inline(never)
    func reject(_ flags: UInt64) -> Int32 {
        guard flags & refusedFlags == 0 else { return -EINVAL }
        counters.member(\.rejected).add(1)
        return -ENOSPC
    }

    // MARK: Doorbell

    /// Rings the doorbell: what was enqueued becomes the engine's; `rte_dma_submit`. Nothing enqueued: nothing happens.
    ///
    /// No wake-up is lost. The tail is stored before the engine's flag is read, and the engine sets its flag before it
    /// reads the tail for the last time, with a full barrier between the two on either side: so either the engine sees
    /// the new tail and does not sleep, or this side sees the flag and rings the bell. A barrier here would wait until
    /// all that was enqueued has reached the ring; so the engine, who does this only before it sleeps, makes this side's
    /// processor pass one, where ``AsymmetricFence`` lets it.
    @inlinable
    @inline(__always)
    public func submit() {
        guard enqueued != rung else { return }
        if staged != enqueued { clearStage() }
        doorbellTimes[Int(truncatingIfNeeded: rung & mask)] = Ticks.now
        rung = enqueued
        // Nobody polls: the slots that are free by now are not in use. The line is read below anyway.
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
    ///   - lastIndex: set to the last ring index that either call reported, 0xFFFF when none was.
    ///   - hasError: set when a failure lies within the asked number.
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

    /// How many of `wanted` operations from `first` on are finished. The engine's line is looked at only when what was
    /// seen there before is used up.
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

    /// Slots that are free; `rte_dma_burst_capacity`. Each enqueue takes exactly one.
    @inlinable
    @inline(__always)
    public func burstCapacity() -> Int32 {
        if isSilent { released = engineCompleted }
        return Int32(truncatingIfNeeded: capacity &- (enqueued &- released))
    }

    // MARK: Operations as structures

    /// Enqueues operations and rings the doorbell; `rte_dma_enqueue_ops`. How many were taken.
    public func enqueue(_ given: UnsafePointer<UnsafeMutablePointer<dmadev_op>>, count: UInt16) -> Int32 {
        guard let operations else { return -ENOTSUP }
        var taken: Int32 = 0
        for operation in UnsafeBufferPointer(start: given, count: Int(count)) {
            let entries = UnsafePointer(UnsafeMutableRawPointer(operation + 1).assumingMemoryBound(to: dmadev_sge.self))
            let slot = Int(truncatingIfNeeded: enqueued & mask)
            let (sourceCount, destinationCount) = (operation.pointee.nb_src, operation.pointee.nb_dst)
            // All are rung together, below.
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

    /// Takes finished operations back with their statuses; `rte_dma_dequeue_ops`. How many there were.
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

    /// Whether the ring can lose its engine.
    var hasLiveness: Bool { constants.pointee.liveness != nil }

    /// Whether the engine is there, and works for this process.
    @inline(__always)
    var isAlive: Bool {
        constants.pointee.liveness?.loadRelaxed() != 0
            && engine.member(\.halted).atomic.pointee.load(ordering: .acquiring) == 0
    }

    /// How many operations are in each state. The indexes move while they are read: no difference is taken of an index
    /// that was overtaken, and none is larger than the ring.
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
