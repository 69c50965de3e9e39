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
        /// Their descriptors, as they were checked.
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

        mutating func clear() {
            (count, batchCount, byteCount, fillCount) = (0, 0, 0, 0)
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
        let handlers = planRun(atMost: Int(most), UInt64(budget))
        let planned = run.count
        guard planned != 0 else { return 0 }
        budget &-= Int(run.byteCount)
        var result: CInt = 0
        let done = clinux_guarded_moves(run.moves, planned, &result)
        finishRun(done)
        if let domains, done > 0 { domains.recordTraffic(handlers, UInt64(done), run.byteCount) }
        guard done < planned else { return UInt64(done) }
        // Not the one in the ring, which another process may have changed: only the descriptor that was checked counts.
        running = Operation(run.descriptors[done])
        let status = Operation.failure(result)
        finish(domains?.finalStatus(status, run.descriptors[done], handlers) ?? status)
        return UInt64(done) &+ 1
    }

    /// Fetches descriptors until one does not qualify; that one is fetched and checked again by the general path. All
    /// operations of a run are of one kind, and use the same members of a group, so that these are looked up once.
    ///
    /// - Returns: the handlers of these members.
    private mutating func planRun(atMost most: Int, _ budget: UInt64) -> RingDomains.Handlers {
        run.clear()
        let first = DescriptorWords(descriptors + Int(truncatingIfNeeded: next & mask))
        first.store(to: run.descriptors)
        let isFill = first.kind == UInt8(DMADEV_KIND_FILL)
        let special = UInt8(giveBack == nil ? 0 : DMADEV_DESC_AUTO_FREE)
        guard isFill || first.kind == UInt8(DMADEV_KIND_COPY), first.flags & special == 0 else {
            return RingDomains.Handlers(source: 0, destination: 0)
        }
        let handlers = domains?.handlers(of: run.descriptors.pointee) ?? RingDomains.Handlers(source: 0, destination: 0)
        var ranges = RangeMemory(domains?.spaces(for: handlers, spaces) ?? spaces)
        var words = first
        // When the batch has failed, the general path handles a fence and all operations after it.
        while words.startsBatch || !batchFailed || run.batchCount != 0, run.byteCount &+ words.length <= budget,
            let move = ranges.move(run.descriptors[run.count], isFill: isFill)
        {
            if words.startsBatch { addBatch(at: run.count) }
            run.moves[run.count] = move
            run.byteCount &+= words.length
            run.count &+= 1
            if isFill {
                addFills(like: first, ranges, atMost: most, budget)
            } else {
                addCopies(like: first, ranges, atMost: most, budget)
            }
            guard run.count < most else { break }
            words = DescriptorWords(descriptors + Int(truncatingIfNeeded: (next &+ UInt64(run.count)) & mask))
            guard words.hasShape(of: first) else { break }
            words.store(to: run.descriptors + run.count)
        }
        if isFill { run.fillCount = UInt64(run.count) }
        return handlers
    }

    /// The operation at this place of the run starts a batch.
    @inline(__always)
    private mutating func addBatch(at count: Int) {
        run.batches[run.batchCount] = (count, doorbellTimes[Int(truncatingIfNeeded: (next &+ UInt64(count)) & mask)])
        run.batchCount &+= 1
    }

    /// Adds the following copies as long as they are in the same ranges: nearly all of a burst. A separate function, so
    /// that the processor's registers suffice for it.
    @inline(never)
    private mutating func addCopies(
        like first: DescriptorWords, _ ranges: RangeMemory, atMost most: Int, _ budget: UInt64
    ) {
        let source = ranges.source
        addOperations(like: first, ranges.destination, atMost: most, budget, isFill: 0) { words in
            source.resolve(words.source, words.length)
        }
    }

    /// The same for fills.
    @inline(never)
    private mutating func addFills(
        like first: DescriptorWords, _ ranges: RangeMemory, atMost most: Int, _ budget: UInt64
    ) {
        addOperations(like: first, ranges.destination, atMost: most, budget, isFill: 1) { $0.source }
    }

    @inline(__always)
    private mutating func addOperations(
        like first: DescriptorWords, _ destination: ContiguousRange, atMost most: Int, _ budget: UInt64, isFill: UInt64,
        _ from: (DescriptorWords) -> UInt64?
    ) {
        let place = Int(truncatingIfNeeded: (next &+ UInt64(run.count)) & mask)
        let end = run.count &+ min(most &- run.count, Int(truncatingIfNeeded: mask) &+ 1 &- place)
        // Local copies: the compiler would read members again after each store.
        let (moves, kept, batches) = (run.moves, run.descriptors, run.batches)
        let times = doorbellTimes + (place &- run.count)
        let slots = descriptors + (place &- run.count)
        var (count, batchCount, byteCount) = (run.count, run.batchCount, run.byteCount)
        while count < end {
            let words = DescriptorWords(slots + count)
            guard words.hasShape(of: first), byteCount &+ words.length <= budget,
                let to = destination.resolve(words.destination, words.length), let from = from(words)
            else { break }
            if words.startsBatch {
                batches[batchCount] = (count, times[count])
                batchCount &+= 1
            }
            words.store(to: kept + count)
            moves[count] = clinux_move(dst: to, src: from, bytes: words.length, is_fill: isFill)
            byteCount &+= words.length
            count &+= 1
        }
        (run.count, run.batchCount, run.byteCount) = (count, batchCount, byteCount)
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
