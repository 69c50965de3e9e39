internal import CDMADev
internal import CDMATrace
internal import LinuxSystem

/// Records the operations of one publication in one event: `dmadev_engine:completed_burst`. More operations than an
/// event can hold, for example at an abort, are split into several.
struct CompletedBurst {
    let owner: RingConsumer.Owner
    /// By slot.
    let statuses: UnsafeMutablePointer<UInt16>
    let mask: UInt64
    let ticks: Ticks

    private static let most = Int(DMATRACE_BURST_MAX)

    /// Records the operations before `end`, whose statuses are written.
    ///
    /// - Parameters:
    ///   - batches: doorbell time and number of published operations of each.
    ///   - now: the time of the publication.
    @inline(never)
    func record(_ batches: UnsafeBufferPointer<(rung: UInt64, count: UInt64)>, upTo end: UInt64, now: UInt64) {
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: Self.most) { latencies in
            var row = 0
            var first = end &- batches.reduce(0) { $0 &+ $1.count }
            for batch in batches {
                let nanoseconds = ticks.nanoseconds(from: batch.rung, to: now)
                var left = Int(truncatingIfNeeded: batch.count)
                while left > 0 {
                    let part = min(left, Self.most - row)
                    for place in row..<(row + part) { latencies[place] = nanoseconds }
                    row += part
                    left -= part
                    if row == Self.most {
                        emit(first, latencies, row)
                        first &+= UInt64(row)
                        row = 0
                    }
                }
            }
            if row > 0 { emit(first, latencies, row) }
        }
    }

    private func emit(_ first: UInt64, _ latencies: UnsafeMutableBufferPointer<UInt64>, _ count: Int) {
        withUnsafeTemporaryAllocation(of: UInt16.self, capacity: Self.most) { room in
            guard let latencies = latencies.baseAddress, let room = room.baseAddress else { return }
            let slot = Int(truncatingIfNeeded: first & mask)
            let straight = min(count, Int(truncatingIfNeeded: mask) + 1 - slot)
            if straight < count {
                // They wrap at the end of the ring; an event needs them contiguous.
                room.update(from: statuses + slot, count: straight)
                (room + straight).update(from: statuses, count: count - straight)
            }
            dmatrace_emit_dmadev_engine_completed_burst(
                owner.engine, owner.device, owner.vchan, UInt16(truncatingIfNeeded: first), UInt16(count),
                straight < count ? room : statuses + slot, latencies)
        }
    }
}
