internal import CDMADev
internal import CDMATrace
internal import CLinux
internal import DMADev
internal import LinuxSystem

/// The fast path for many operations at a time: copies and fills that fit into the budget, are contiguous on both
/// sides, and need no other processing. The cost per operation, mainly of the guard, is paid once per run.
extension RingConsumer {
    /// The operations of a run, from descriptors that are fetched once.
    struct Run {
        /// The resolved moves.
        let moves: UnsafeMutablePointer<clinux_move>
        /// The descriptors, if operations may cross domains.
        let descriptors: UnsafeMutablePointer<dmadev_descriptor>
        /// The batches that start within the run.
        let batches: UnsafeMutablePointer<(first: Int, rung: UInt64)>

        var count = 0
        var batchCount = 0
        var byteCount: UInt64 = 0
        var fillCount: UInt64 = 0

        init(capacity: Int) {
            moves = .allocateOnOwnCacheLines(capacity: capacity)
            descriptors = .allocateOnOwnCacheLines(capacity: capacity)
            batches = .allocateOnOwnCacheLines(capacity: capacity)
        }

        func deallocate() {
            moves.deallocate()
            descriptors.deallocate()
            batches.deallocate()
        }
    }

    /// Executes operations from `next` on while they qualify for the fast path.
    ///
    /// - Returns: the number finished; a failed operation is included and ends the run.
    mutating func executeRun(atMost most: UInt64, budget: inout Int) -> UInt64 {
        guard running == nil, !dmatrace_dmadev_engine_operation_start_enabled(),
            !dmatrace_dmadev_engine_operation_finish_enabled()
        else { return 0 }
        var handlers = RingDomains.Handlers(source: 0, destination: 0)
        if let domains {
            handlers = planRun(across: domains, atMost: Int(most), UInt64(budget))
        } else if spaces.areProcess {
            var isElsewhere = false
            planRun(atMost: Int(most), UInt64(budget)) { operation, isFill in
                let length = UInt64(operation.length)
                guard AddressRange.isUsable(operation.dst, length),
                    isFill || AddressRange.isUsable(operation.src, length)
                else {
                    isElsewhere = true
                    return nil
                }
                return clinux_move(dst: operation.dst, src: operation.src, bytes: length, is_fill: isFill ? 1 : 0)
            }
            if run.count == 0, isElsewhere { planMappedRun(atMost: Int(most), UInt64(budget)) }
        } else {
            planMappedRun(atMost: Int(most), UInt64(budget))
        }
        let planned = run.count
        guard planned != 0 else { return 0 }
        budget &-= Int(run.byteCount)
        var result: CInt = 0
        let done = clinux_guarded_moves(run.moves, planned, &result)
        finishRun(done)
        if let domains, done > 0 { domains.recordTraffic(handlers, UInt64(done), run.byteCount) }
        guard done < planned else { return UInt64(done) }
        // Across domains the ring is shared with another process: only the descriptor that was checked counts. Otherwise
        // the application must not change it before the operation is complete.
        running = Operation(
            domains == nil
                ? dmadev_fetch_descriptor(descriptors + Int(truncatingIfNeeded: next & mask)) : run.descriptors[done])
        let status = Operation.failure(result)
        finish(domains?.finalStatus(status, run.descriptors[done], handlers) ?? status)
        return UInt64(done) &+ 1
    }

    /// The same for operations on addresses that are looked up. Not inlined: the path without a lookup stays small.
    @inline(never)
    private mutating func planMappedRun(atMost most: Int, _ budget: UInt64) {
        var ranges = RangeMemory(spaces)
        planRun(atMost: most, budget) { ranges.move($0, isFill: $1) }
    }

    /// The same for operations that may cross domains: all operations of the run use the same members, so that these
    /// are looked up once.
    ///
    /// - Returns: the handlers of these members.
    private mutating func planRun(
        across domains: RingDomains, atMost most: Int, _ budget: UInt64
    ) -> RingDomains.Handlers {
        let first = domains.handlers(of: dmadev_fetch_descriptor(descriptors + Int(truncatingIfNeeded: next & mask)))
        var ranges = RangeMemory(domains.spaces(for: first, spaces))
        var count = 0
        planRun(atMost: most, budget) { [run] operation, isFill in
            guard domains.handlers(of: operation) == first, let move = ranges.move(operation, isFill: isFill) else {
                return nil
            }
            run.descriptors[count] = operation
            count &+= 1
            return move
        }
        return first
    }

    /// Fetches descriptors until one does not qualify; that one is fetched and checked again by the general path.
    @inline(__always)
    private mutating func planRun(
        atMost most: Int, _ budget: UInt64, _ move: (dmadev_descriptor, Bool) -> clinux_move?
    ) {
        let special = UInt8(giveBack == nil ? 0 : DMADEV_DESC_AUTO_FREE)
        // When the batch has failed, the general path handles a fence and all operations after it.
        var mayAbandon = batchFailed
        var byteCount: UInt64 = 0
        var batchCount = 0
        var fillCount: UInt64 = 0
        var count = 0
        while count < most {
            let slot = Int(truncatingIfNeeded: (next &+ UInt64(count)) & mask)
            let descriptor = dmadev_fetch_descriptor(descriptors + slot)
            let isFirst = descriptor.flags & UInt8(DMADEV_DESC_BATCH_FIRST) != 0
            let isFill = descriptor.kind == UInt8(DMADEV_KIND_FILL)
            guard isFill || descriptor.kind == UInt8(DMADEV_KIND_COPY), descriptor.flags & special == 0,
                isFirst || !mayAbandon, byteCount &+ UInt64(descriptor.length) <= budget,
                let move = move(descriptor, isFill)
            else { break }
            if isFirst {
                run.batches[batchCount] = (count, doorbellTimes[slot])
                batchCount &+= 1
                mayAbandon = false
            }
            run.moves[count] = move
            byteCount &+= move.bytes
            fillCount &+= isFill ? 1 : 0
            count &+= 1
        }
        run.count = count
        run.batchCount = batchCount
        run.byteCount = byteCount
        run.fillCount = fillCount
    }

    /// Finishes the first `done` operations of the run as successful, and starts the batch of the next one.
    private mutating func finishRun(_ done: Int) {
        var begun = 0
        for batch in 0..<run.batchCount {
            let (first, rung) = run.batches[batch]
            guard first <= done, first < run.count else { break }
            if first > begun { countForLatency(UInt64(first &- begun)) }
            beginBatch(rung, at: next &+ UInt64(first))
            begun = first
        }
        if done > begun { countForLatency(UInt64(done &- begun)) }
        let slot = Int(truncatingIfNeeded: next & mask)
        let straight = min(done, Int(truncatingIfNeeded: mask) + 1 - slot)
        (statuses + slot).update(repeating: UInt16(DMADEV_STATUS_SUCCESSFUL.rawValue), count: straight)
        if straight < done {
            statuses.update(repeating: UInt16(DMADEV_STATUS_SUCCESSFUL.rawValue), count: done - straight)
        }
        if done < run.count {
            run.byteCount = (0..<done).reduce(0) { $0 &+ run.moves[$1].bytes }
            run.fillCount = (0..<done).reduce(0) { $0 &+ run.moves[$1].is_fill }
        }
        if isCounting {
            tally.bytes &+= run.byteCount
            tally.completed &+= UInt64(done)
            let kinds = counters.member(\.kinds)
            kinds.word(Int(DMADEV_KIND_COPY)).add(UInt64(done) &- run.fillCount)
            if run.fillCount != 0 { kinds.word(Int(DMADEV_KIND_FILL)).add(run.fillCount) }
        }
        next &+= UInt64(done)
    }
}
