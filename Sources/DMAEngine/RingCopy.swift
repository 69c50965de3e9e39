internal import CDMADev
internal import LinuxSystem
internal import Synchronization

/// Where the engine copies what it publishes of a ring in a region. The application reads it there; the engine does not,
/// since whoever has the region can write to it.
struct RingCopy {
    let page: UnsafeMutablePointer<dmadev_consumer_page>
    private let counters: UnsafeMutablePointer<dmadev_engine_counters>
    private let statuses: UnsafeMutablePointer<UInt16>
    /// The doorbells' times by the application's clock; returned to it, and not used here.
    private let doorbellTimes: UnsafeMutablePointer<UInt64>
    private let mask: UInt64

    /// - Parameters:
    ///   - enginePart: of the ring in the region.
    ///   - times: its doorbell times.
    init(_ enginePart: UnsafeMutableRawPointer, _ times: UnsafeMutableRawPointer, _ layout: RingLayout) {
        page = enginePart.bindMemory(to: dmadev_consumer_page.self, capacity: 1)
        counters = (enginePart + RingLayout.countersOffset).bindMemory(to: dmadev_engine_counters.self, capacity: 1)
        statuses = (enginePart + (layout.statusesOffset - layout.consumerPageOffset))
            .bindMemory(to: UInt16.self, capacity: layout.slotCount)
        doorbellTimes = times.bindMemory(to: UInt64.self, capacity: layout.slotCount)
        mask = UInt64(layout.slotCount - 1)
    }

    /// The device is halted.
    func halt() {
        page.member(\.halted).atomic.pointee.store(1, ordering: .releasing)
    }

    /// Copies a bucket of the latency histogram.
    func record(latencyBucket bucket: Int, _ own: UnsafeMutablePointer<dmadev_engine_counters>) {
        counters.member(\.latency_buckets).word(bucket)
            .storeRelaxed(own.member(\.latency_buckets).word(bucket).loadRelaxed())
    }

    /// What is published: the engine's own memory.
    struct Source {
        let page: UnsafeMutablePointer<dmadev_consumer_page>
        let counters: UnsafeMutablePointer<dmadev_engine_counters>
        let statuses: UnsafeMutablePointer<UInt16>
    }

    /// Copies the counters, then the statuses of the operations from `first` to `end`, then the index with release.
    ///
    /// - Parameters:
    ///   - hasFailures: whether an operation has failed since the last call.
    ///   - batch: the first operation of the last batch that was begun. The times in the copy are by the application's
    ///     clock; when operations last became finished is not known by it.
    func publish(_ own: Source, from first: UInt64, to end: UInt64, hasFailures: Bool, batch: UInt64) {
        copy(own.counters, 0..<Self.statusesPlace)
        if hasFailures { copy(own.counters, Self.statusesPlace..<Self.statusesPlace + Int(DMADEV_STATUS_COUNT)) }
        counters.member(\.latency_sum).storeRelaxed(own.counters.member(\.latency_sum).loadRelaxed())
        var place = first
        while place != end {
            let slot = Int(truncatingIfNeeded: place & mask)
            let count = min(Int(truncatingIfNeeded: end &- place), Int(truncatingIfNeeded: mask) + 1 - slot)
            (statuses + slot).update(from: own.statuses + slot, count: count)
            place &+= UInt64(count)
        }
        page.member(\.batch_time).storeRelaxed(
            (doorbellTimes + Int(truncatingIfNeeded: batch & mask)).loadRelaxed())
        page.member(\.failed).storeRelaxed(own.page.member(\.failed).loadRelaxed())
        page.member(\.completed).storeReleasing(end)
    }

    private static let statusesPlace =
        (MemoryLayout<dmadev_engine_counters>.offset(of: \.statuses) ?? 0) / MemoryLayout<UInt64>.size

    private func copy(_ own: UnsafeMutablePointer<dmadev_engine_counters>, _ words: Range<Int>) {
        let (from, to) = (own.word(0), counters.word(0))
        for index in words { (to + index).storeRelaxed((from + index).loadRelaxed()) }
    }
}
