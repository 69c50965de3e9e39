internal import CDMADev
public import DMADev
internal import LinuxSystem
internal import Synchronization

extension RingMemory {
    /// Whether the device is halted, or an impossible doorbell has halted this ring. Any thread.
    public var isHalted: Bool { consumerPage.member(\.halted).atomic.pointee.load(ordering: .acquiring) != 0 }

    /// The times of a ring that is not halted: from the engine's page, and from the doorbells' times, which the application
    /// writes. Any thread may read them, on both sides.
    public var progress: ChannelProgress {
        let (now, ticks) = (Ticks.now, Ticks())
        func age(_ time: UInt64) -> Duration { .nanoseconds(Int64(clamping: ticks.nanoseconds(from: time, to: now))) }
        let tail = producerPage.member(\.tail).loadAcquiring()
        let completed = consumerPage.member(\.completed).loadAcquiring()
        var progress = ChannelProgress(status: completed == tail ? .idle : .active)
        if completed != tail {
            let slot = Int(truncatingIfNeeded: completed) & (layout.slotCount - 1)
            let isFirst = dmadev_fetch_descriptor(descriptors + slot).flags & UInt8(DMADEV_DESC_BATCH_FIRST) != 0
            // Otherwise the batch began with an operation that is finished.
            let rung = isFirst ? (doorbellTimes + slot).loadRelaxed() : consumerPage.member(\.batch_time).loadRelaxed()
            // The engine has not seen a doorbell in a region yet.
            progress.oldestOperationAge = rung == 0 && isInRegion ? .zero : age(rung)
        }
        let last = consumerPage.member(\.completed_time).loadRelaxed()
        if last != 0 { progress.lastCompletionAge = age(last) }
        return progress
    }
}
