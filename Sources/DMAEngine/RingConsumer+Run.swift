internal import CDMADev
internal import CDMATrace
internal import CLinux
internal import DMADev
internal import LinuxSystem

/// The fast path for many operations at a time: copies and fills that fit into the budget, are contiguous on both
/// sides, and need no other processing. The cost per operation, mainly of the guard, is paid once per run.
extension RingConsumer {
    /// What a run has finished.
    private struct Run {
        var count: UInt64 = 0
        var byteCount: UInt64 = 0
        /// Bit n: operation n starts a batch; that of an operation that failed too.
        var batches: UInt64 = 0
        /// The operation that ended the run, if it failed.
        var failed: (move: clinux_move, result: CInt)?

        /// Adds what was executed of the operations from `count` on.
        @inline(__always)
        mutating func add(_ end: clinux_run_end, _ result: CInt) {
            batches |= end.marks &<< count
            count &+= end.count
            byteCount &+= end.bytes
            if result != CLINUX_GUARD_OK { failed = (end.failed, result) }
        }
    }

    /// Executes operations from `next` on while they qualify for the fast path. All are of one kind, and use the same
    /// members of a group, so that these are looked up once.
    ///
    /// - Returns: the number finished; a failed operation is included and ends the run.
    mutating func executeRun(atMost most: UInt64, budget: inout Int) -> UInt64 {
        guard running == nil, !dmatrace_dmadev_engine_operation_start_enabled(),
            !dmatrace_dmadev_engine_operation_finish_enabled()
        else { return 0 }
        let first = DescriptorWords(descriptors + Int(truncatingIfNeeded: next & mask))
        let isFill = first.kind == UInt8(DMADEV_KIND_FILL)
        let special = UInt8(giveBack == nil ? 0 : DMADEV_DESC_AUTO_FREE)
        // When the batch has failed, the general path handles a fence and all operations after it.
        guard isFill || first.kind == UInt8(DMADEV_KIND_COPY), first.flags & special == 0,
            first.startsBatch || !batchFailed
        else { return 0 }
        let handlers = domains?.handlers(of: first.descriptor) ?? RingDomains.Handlers(source: 0, destination: 0)
        let run = execute(
            like: first, RangeMemory(domains?.spaces(for: handlers, spaces) ?? spaces), atMost: most, UInt64(budget))
        budget &-= Int(run.byteCount)
        finish(run, isFill: isFill)
        if let domains, run.count > 0 { domains.recordTraffic(handlers, run.count, run.byteCount) }
        guard let (move, result) = run.failed else { return run.count }
        // Not the one in the ring, which another process may have changed: only what was checked counts.
        let descriptor = first.descriptor(of: move)
        running = Operation(descriptor)
        let status = Operation.failure(result)
        finish(domains?.finalStatus(status, descriptor, handlers) ?? status)
        return run.count &+ 1
    }

    /// Executes operations until one does not qualify; that one is fetched and checked again by the general path. Mutating,
    /// because the compiler would copy the whole consumer otherwise.
    private mutating func execute(
        like first: DescriptorWords, _ ranges: RangeMemory, atMost most: UInt64, _ budget: UInt64
    ) -> Run {
        var (ranges, words, run) = (ranges, first, Run())
        while ranges.contain(words) {
            let place = (next &+ run.count) & mask
            var common = first.run(ranges, doorbellTimes: doorbellTimes + Int(truncatingIfNeeded: place))
            var end = clinux_run_end()
            let result = clinux_guarded_run(
                UnsafeRawPointer(descriptors + Int(truncatingIfNeeded: place)).assumingMemoryBound(to: clinux_job.self),
                Int(truncatingIfNeeded: min(most &- run.count, mask &+ 1 &- place)), budget &- run.byteCount, &common,
                &end)
            run.add(end, result)
            // The next operation may be in other ranges, or in the first slot.
            guard result == CLINUX_GUARD_OK, end.count != 0, run.count < most else { break }
            words = DescriptorWords(descriptors + Int(truncatingIfNeeded: (next &+ run.count) & mask))
        }
        return run
    }

    /// Finishes the operations of a run as successful, and starts the batch of the next one if that one has failed.
    private mutating func finish(_ run: Run, isFill: Bool) {
        var (begun, batches): (UInt64, UInt64) = (0, run.batches)
        while batches != 0 {
            let first = UInt64(batches.trailingZeroBitCount)
            if first > begun { countForLatency(first &- begun) }
            let index = next &+ first
            beginBatch((doorbellTimes + Int(truncatingIfNeeded: index & mask)).loadRelaxed(), at: index)
            begun = first
            batches &= batches &- 1
        }
        if run.count > begun { countForLatency(run.count &- begun) }
        let slot = Int(truncatingIfNeeded: next & mask)
        let done = Int(truncatingIfNeeded: run.count)
        let straight = min(done, Int(truncatingIfNeeded: mask) + 1 - slot)
        (statuses + slot).update(repeating: UInt16(DMADEV_STATUS_SUCCESSFUL.rawValue), count: straight)
        if straight < done {
            statuses.update(repeating: UInt16(DMADEV_STATUS_SUCCESSFUL.rawValue), count: done - straight)
        }
        if isCounting, done != 0 {
            tally.bytes &+= run.byteCount
            tally.completed &+= run.count
            counters.member(\.kinds).word(Int(isFill ? DMADEV_KIND_FILL : DMADEV_KIND_COPY)).add(run.count)
        }
        next &+= run.count
    }
}
