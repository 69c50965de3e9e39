internal import CDMADev
internal import CDMATrace
internal import LinuxSystem

/// Finished operations of one batch that are published together.
struct FinishedBatch {
    /// The time of its doorbell, in ticks.
    let rung: UInt64
    /// For a trace: the time of the burst that began it, in ticks; 0: not known.
    let started: UInt64
    var count: UInt64
}

/// Records the operations of one publication in one event: `dmadev_engine:completed_burst`. More operations than an
/// event can hold, for example at an abort, are split into several.
struct CompletedBurst {
    let owner: RingConsumer.Owner
    /// By slot.
    let statuses: UnsafeMutablePointer<UInt16>
    let mask: UInt64
    let ticks: Ticks

    private static let most = Int(DMATRACE_BURST_MAX)

    /// The batches of one event, by column.
    private struct Rows {
        let counts: UnsafeMutablePointer<UInt16>
        let sinceDoorbell: UnsafeMutablePointer<UInt64>
        let sinceStart: UnsafeMutablePointer<UInt64>
        var batchCount = 0
        var operationCount = 0
    }

    /// Records the operations before `end`, whose statuses are written.
    ///
    /// - Parameter now: the time of the publication.
    @inline(never)
    func record(_ batches: UnsafeBufferPointer<FinishedBatch>, upTo end: UInt64, now: UInt64) {
        let capacity = batches.count
        withUnsafeTemporaryAllocation(of: UInt16.self, capacity: capacity) { counts in
            withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 2 * capacity) { times in
                guard let counts = counts.baseAddress, let times = times.baseAddress else { return }
                record(
                    batches, upTo: end, now: now,
                    Rows(counts: counts, sinceDoorbell: times, sinceStart: times + capacity))
            }
        }
    }

    private func record(_ batches: UnsafeBufferPointer<FinishedBatch>, upTo end: UInt64, now: UInt64, _ rows: Rows) {
        var rows = rows
        var first = end &- batches.reduce(0) { $0 &+ $1.count }
        for batch in batches {
            var left = Int(truncatingIfNeeded: batch.count)
            while left > 0 {
                let part = min(left, Self.most - rows.operationCount)
                rows.counts[rows.batchCount] = UInt16(part)
                rows.sinceDoorbell[rows.batchCount] = ticks.nanoseconds(from: batch.rung, to: now)
                rows.sinceStart[rows.batchCount] =
                    batch.started == 0 ? 0 : ticks.nanoseconds(from: batch.started, to: now)
                rows.batchCount += 1
                rows.operationCount += part
                left -= part
                if rows.operationCount == Self.most { emit(&first, &rows) }
            }
        }
        if rows.operationCount > 0 { emit(&first, &rows) }
    }

    private func emit(_ first: inout UInt64, _ rows: inout Rows) {
        let count = rows.operationCount
        withUnsafeTemporaryAllocation(of: UInt16.self, capacity: Self.most) { room in
            guard let room = room.baseAddress else { return }
            let slot = Int(truncatingIfNeeded: first & mask)
            let straight = min(count, Int(truncatingIfNeeded: mask) + 1 - slot)
            if straight < count {
                // They wrap at the end of the ring; an event needs them contiguous.
                room.update(from: statuses + slot, count: straight)
                (room + straight).update(from: statuses, count: count - straight)
            }
            var publication = dmatrace_publication(
                ring_idx: UInt16(truncatingIfNeeded: first), nb_ops: UInt16(count),
                nb_batches: UInt16(rows.batchCount), status: straight < count ? room : statuses + slot,
                batch_nb_ops: rows.counts, since_doorbell: rows.sinceDoorbell, since_start: rows.sinceStart)
            dmatrace_emit_dmadev_engine_completed_burst(
                owner.engine, owner.ring, owner.device, owner.vchan, &publication)
        }
        first &+= UInt64(count)
        rows.batchCount = 0
        rows.operationCount = 0
    }
}
