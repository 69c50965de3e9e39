internal import CDMADev
internal import CDMATrace
internal import DMADev
internal import LinuxSystem

/// What the application sees of finished operations: statuses, counters, latencies, and last their number.
extension RingConsumer {
    /// Records operations of the current batch as finished now.
    mutating func countForLatency(_ count: UInt64) {
        guard isCounting else { return }
        guard unpublishedBatches == 0 || unpublished[unpublishedBatches - 1].rung != rung else {
            unpublished[unpublishedBatches - 1].count &+= count
            return
        }
        if unpublishedBatches == Self.burst { publish() }
        unpublished[unpublishedBatches] = (rung, count)
        unpublishedBatches += 1
    }

    /// Makes finished operations visible, as far as no planned fault delays them.
    mutating func publish() {
        if let faults {
            let before = faults.visible
            let visible = faults.advanceVisible(to: next)
            // With a delay, operations are finished later than they are executed.
            if faults.delayTicks > 0, visible != before { published.member(\.completed_time).storeRelaxed(Ticks.now) }
            publish(upTo: visible, delay: faults.delayTicks)
            if let time = faults.nextDoorbellTime(before: next) { published.member(\.batch_time).storeRelaxed(time) }
        } else {
            publish(upTo: next, delay: 0)
        }
    }

    /// Stores the counters first, the index last and with release: a reader that sees an operation finished also sees it
    /// counted.
    ///
    /// - Parameter delay: ticks until finished operations are visible.
    mutating func publish(upTo visible: UInt64, delay: UInt64) {
        if let accessed { end(accessed) }
        recordLatencies(delay)
        if isCounting {
            counters.member(\.bytes).storeRelaxed(tally.bytes)
            counters.member(\.completed).storeReleasing(tally.completed)
        }
        published.member(\.failed).storeRelaxed(failed)
        published.member(\.completed).storeReleasing(visible)
        if let copy {
            copy.publish(
                RingCopy.Source(page: published, counters: counters, statuses: statuses), from: copied, to: visible,
                hasFailures: failed != copiedFailures, batch: batchStart)
            (copied, copiedFailures) = (visible, failed)
        }
    }

    private mutating func recordLatencies(_ delay: UInt64) {
        guard unpublishedBatches > 0 else { return }
        let finished = Ticks.now
        let now = finished &+ delay
        EngineActivity.add(to: activity, since: unpublished[0].rung, until: finished)
        if delay == 0 { published.member(\.completed_time).storeRelaxed(finished) }
        published.member(\.batch_time).storeRelaxed(rung)
        if dmatrace_dmadev_engine_completed_burst_enabled() {
            // Before the publication: an operation that a reader sees finished is already in the trace.
            CompletedBurst(
                owner: owner, statuses: statuses, descriptors: descriptors, mask: mask, ticks: ticks,
                stepTime: stepTime, now: now
            ).record(UnsafeBufferPointer(start: unpublished, count: unpublishedBatches), upTo: next, &begun)
        }
        let buckets = counters.member(\.latency_buckets)
        var sum = tally.latencySum
        for batch in UnsafeBufferPointer(start: unpublished, count: unpublishedBatches) {
            let nanoseconds = ticks.nanoseconds(from: batch.rung, to: now)
            sum &+= nanoseconds &* batch.count
            let bucket = Latency.bucket(of: nanoseconds)
            buckets.word(bucket).add(batch.count)
            copy?.record(latencyBucket: bucket, counters)
        }
        tally.latencySum = sum
        counters.member(\.latency_sum).storeRelaxed(sum)
        unpublishedBatches = 0
    }

    /// Returns the source buffers of an operation to their pool, before its completion is visible and with any status:
    /// with auto-free the device owns them from the enqueue on.
    func release(_ descriptor: dmadev_descriptor, _ slot: Int, _ giveBack: @Sendable (UInt64) -> Void) {
        switch Int32(descriptor.kind) {
        case DMADEV_KIND_COPY: giveBack(descriptor.src)
        case DMADEV_KIND_COPY_SG:
            let region = entries + slot * 2 * maximumEntries
            for entry in 0..<min(Int(descriptor.nb_src), maximumEntries) { giveBack(region[entry].addr) }
        default: break  // a fill has no source buffer: its pattern is not an address
        }
    }
}
