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
    private static let counterCount = MemoryLayout<dmadev_engine_counters>.size / MemoryLayout<UInt64>.size

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

    /// Copies the counters, then the statuses of the operations from `first` to `end`, then the index with release.
    ///
    /// - Parameter batch: the first operation of the last batch that was begun. The times in the copy are by the
    ///   application's clock; when operations last became finished is not known by it.
    func publish(
        _ own: UnsafeMutablePointer<dmadev_consumer_page>, _ ownCounters: UnsafeMutablePointer<dmadev_engine_counters>,
        _ ownStatuses: UnsafeMutablePointer<UInt16>, from first: UInt64, to end: UInt64, batch: UInt64
    ) {
        let (words, ownWords) = (counters.word(0), ownCounters.word(0))
        for index in 0..<Self.counterCount { (words + index).storeRelaxed((ownWords + index).loadRelaxed()) }
        var place = first
        while place != end {
            let slot = Int(truncatingIfNeeded: place & mask)
            let count = min(Int(truncatingIfNeeded: end &- place), Int(truncatingIfNeeded: mask) + 1 - slot)
            (statuses + slot).update(from: ownStatuses + slot, count: count)
            place &+= UInt64(count)
        }
        page.member(\.batch_time).storeRelaxed(
            (doorbellTimes + Int(truncatingIfNeeded: batch & mask)).loadRelaxed())
        page.member(\.failed).storeRelaxed(own.member(\.failed).loadRelaxed())
        page.member(\.completed).storeReleasing(end)
    }
}
