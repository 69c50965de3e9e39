internal import CDMADev
internal import CDMATrace
internal import CLinux
internal import LinuxSystem

/// The usual work, many operations at a time: copies that are small enough to be done at once, lie in one piece on both
/// sides, and need nothing but moving. What an operation costs by itself, the guard most of all, is paid once a run.
extension RingConsumer {
    /// The operations of a run.
    struct Run {
        /// Their descriptors as they were fetched, once.
        let descriptors: UnsafeMutablePointer<dmadev_descriptor>
        /// Where a batch begins: when its doorbell rang.
        let doorbells: UnsafeMutablePointer<UInt64>
        /// What they come to.
        let moves: UnsafeMutablePointer<clinux_move>

        init(capacity: Int) {
            descriptors = .allocateOnOwnCacheLines(capacity: capacity)
            doorbells = .allocateOnOwnCacheLines(capacity: capacity)
            moves = .allocateOnOwnCacheLines(capacity: capacity)
        }

        func deallocate() {
            descriptors.deallocate()
            doorbells.deallocate()
            moves.deallocate()
        }
    }

    /// Executes operations from `next` on for as long as they are such copies.
    ///
    /// - Returns: how many are finished, a failed one included, which ends a run.
    mutating func executeRun(atMost most: UInt64, budget: inout Int) -> UInt64 {
        guard running == nil, !dmatrace_dmadev_engine_operation_start_enabled(),
            !dmatrace_dmadev_engine_operation_finish_enabled()
        else { return 0 }
        let planned = planRun(atMost: most, &budget)
        guard planned != 0 else { return 0 }
        var result: CInt = 0
        let done = clinux_guarded_moves(run.moves, planned, &result)
        finishRun(done)
        guard done < planned else { return UInt64(done) }
        let descriptor = run.descriptors[done]
        if descriptor.flags & UInt8(DMADEV_DESC_BATCH_FIRST) != 0 { beginBatch(run.doorbells[done]) }
        running = Operation(descriptor)
        finish(Operation.failure(result))
        return UInt64(done) &+ 1
    }

    /// Fetches descriptors until one is no such copy; that one is fetched and judged anew when its turn comes.
    ///
    /// - Returns: how many operations the run has.
    @inline(__always)
    private func planRun(atMost most: UInt64, _ budget: inout Int) -> Int {
        let special = UInt8(giveBack == nil ? 0 : DMADEV_DESC_AUTO_FREE)
        var mayAbandon = batchFailed
        var count = 0
        while count < most {
            let slot = Int(truncatingIfNeeded: (next &+ UInt64(count)) & mask)
            let descriptor = descriptors[slot]
            if descriptor.flags & UInt8(DMADEV_DESC_BATCH_FIRST) != 0 {
                run.doorbells[count] = doorbellTimes[slot]
                mayAbandon = false
            }
            // A fence, and all after it, is for the general path when the batch has failed.
            let length = UInt64(descriptor.length)
            guard descriptor.kind == UInt8(DMADEV_KIND_COPY), descriptor.flags & special == 0, !mayAbandon,
                length <= budget, spaces.source.admits(descriptor.src, length),
                spaces.destination.admits(descriptor.dst, length),
                let from = spaces.source.resolve(descriptor.src, length), from.byteCount == length,
                let to = spaces.destination.resolve(descriptor.dst, length), to.byteCount == length
            else { break }
            run.descriptors[count] = descriptor
            run.moves[count] = clinux_move(dst: to.address, src: from.address, bytes: length)
            budget &-= Int(length)
            count &+= 1
        }
        return count
    }

    /// Finishes the first `count` operations of the run as successful.
    @inline(__always)
    private mutating func finishRun(_ count: Int) {
        guard count != 0 else { return }
        var bytes: UInt64 = 0
        var ofBatch: UInt64 = 0
        for index in 0..<count {
            if run.descriptors[index].flags & UInt8(DMADEV_DESC_BATCH_FIRST) != 0 {
                if ofBatch != 0 { noteForLatency(ofBatch) }
                ofBatch = 0
                beginBatch(run.doorbells[index])
            }
            ofBatch &+= 1
            bytes &+= run.moves[index].bytes
            statuses[Int(truncatingIfNeeded: (next &+ UInt64(index)) & mask)] = UInt16(DMADEV_STATUS_SUCCESSFUL)
        }
        noteForLatency(ofBatch)
        tally.bytes &+= bytes
        tally.completed &+= UInt64(count)
        counters.pointer(to: \.kinds)!.word(Int(DMADEV_KIND_COPY)).add(UInt64(count))
        next &+= UInt64(count)
    }
}
