internal import CDMADev
internal import CDMATrace
internal import LinuxSystem

/// Records the operations of one publication in one event: `dmadev_engine:completed_burst`. More operations than an
/// event can hold, for example at an abort, are split into several.
struct CompletedBurst {
    let owner: RingConsumer.Owner
    /// By slot.
    let statuses: UnsafeMutablePointer<UInt16>
    let descriptors: UnsafeMutablePointer<dmadev_descriptor>
    let mask: UInt64
    let ticks: Ticks
    /// The times of the burst and of its publication, in ticks.
    let stepTime, now: UInt64

    /// A batch and the time of the burst that began it, in ticks.
    struct BegunBatch {
        /// The time of its doorbell.
        var rung: UInt64 = 0
        /// 0: not known.
        var time: UInt64 = 0
    }

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
    /// - Parameters:
    ///   - batches: doorbell time and number of published operations of each.
    ///   - begun: the last batch that an earlier burst has begun; set to the last one of this publication.
    @inline(never)
    func record(
        _ batches: UnsafeBufferPointer<(rung: UInt64, count: UInt64)>, upTo end: UInt64, _ begun: inout BegunBatch
    ) {
        let capacity = batches.count
        withUnsafeTemporaryAllocation(of: UInt16.self, capacity: capacity) { counts in
            withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 2 * capacity) { times in
                guard let counts = counts.baseAddress, let times = times.baseAddress else { return }
                record(
                    batches, upTo: end, &begun,
                    Rows(counts: counts, sinceDoorbell: times, sinceStart: times + capacity))
            }
        }
    }

    private func record(
        _ batches: UnsafeBufferPointer<(rung: UInt64, count: UInt64)>, upTo end: UInt64, _ begun: inout BegunBatch,
        _ rows: Rows
    ) {
        var rows = rows
        var first = end &- batches.reduce(0) { $0 &+ $1.count }
        var place = first
        for batch in batches {
            // Another batch than the last one begins here, unless it was begun before the event was enabled.
            if batch.rung != begun.rung {
                let flags = descriptors[Int(truncatingIfNeeded: place & mask)].flags
                let beginsHere = flags & UInt8(DMADEV_DESC_BATCH_FIRST) != 0
                begun = BegunBatch(rung: batch.rung, time: beginsHere ? stepTime : 0)
            }
            // A time before the doorbell is that of a burst when the event was last enabled.
            let isKnown = begun.time >= batch.rung
            place &+= batch.count
            var left = Int(truncatingIfNeeded: batch.count)
            while left > 0 {
                let part = min(left, Self.most - rows.operationCount)
                rows.counts[rows.batchCount] = UInt16(part)
                rows.sinceDoorbell[rows.batchCount] = ticks.nanoseconds(from: batch.rung, to: now)
                rows.sinceStart[rows.batchCount] =
                    isKnown ? ticks.nanoseconds(from: begun.time, to: now) : 0
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
