public import CDMADev
public import DMADev
internal import Glibc

/// The memory of one descriptor ring: what application and engine share.
///
/// All of it is plain memory without pointers inside, so that it works as well when two processes map it; its parts are
/// found by ``RingLayout``, never by an address stored in it. Freed with the object.
public final class RingMemory: @unchecked Sendable {
    // The pointers are constant and the memory behind them is written as cdmadev.h says: each member by one side.
    /// What the application writes.
    public let producerPage: UnsafeMutablePointer<dmadev_producer_page>
    /// What the engine writes.
    public let consumerPage: UnsafeMutablePointer<dmadev_consumer_page>
    /// The slots.
    public let descriptors: UnsafeMutablePointer<dmadev_descriptor>
    /// The SG area: per slot, the source entries and then the destination entries.
    public let entries: UnsafeMutablePointer<dmadev_sge>
    /// Per slot that begins a batch: when its doorbell rang, in ticks.
    public let doorbellTimes: UnsafeMutablePointer<UInt64>
    /// One status a slot.
    public let statuses: UnsafeMutablePointer<UInt16>
    /// Counters behind the producer page: what the application counts. Of another process it is what that claims.
    public let applicationCounters: UnsafeMutablePointer<dmadev_application_counters>
    /// Counters behind the consumer page: what the engine counts.
    public let engineCounters: UnsafeMutablePointer<dmadev_engine_counters>
    /// Sizes and places.
    public let layout: RingLayout

    private let base: UnsafeMutableRawPointer

    /// Maps zeroed memory; pages that are never touched cost nothing.
    ///
    /// - Returns: `nil` when the system has no memory left.
    public convenience init?(layout: RingLayout) {
        let mapped = mmap(
            nil, layout.byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let mapped, mapped != MAP_FAILED else { return nil }
        self.init(adopting: mapped, layout: layout)
    }

    /// - Parameter mapped: zeroed memory of the layout's size, unmapped with the object.
    init(adopting mapped: UnsafeMutableRawPointer, layout: RingLayout) {
        base = mapped
        self.layout = layout
        func part<T>(_ offset: Int, _ type: T.Type, count: Int) -> UnsafeMutablePointer<T> {
            (mapped + offset).bindMemory(to: type, capacity: count)
        }
        producerPage = part(layout.producerPageOffset, dmadev_producer_page.self, count: 1)
        consumerPage = part(layout.consumerPageOffset, dmadev_consumer_page.self, count: 1)
        descriptors = part(layout.descriptorsOffset, dmadev_descriptor.self, count: layout.slotCount)
        entries = part(layout.entriesOffset, dmadev_sge.self, count: layout.slotCount * layout.entriesPerSlot)
        doorbellTimes = part(layout.doorbellTimesOffset, UInt64.self, count: layout.slotCount)
        statuses = part(layout.statusesOffset, UInt16.self, count: layout.slotCount)
        applicationCounters = part(
            layout.producerPageOffset + RingLayout.countersOffset, dmadev_application_counters.self, count: 1)
        engineCounters = part(
            layout.consumerPageOffset + RingLayout.countersOffset, dmadev_engine_counters.self, count: 1)
    }

    deinit {
        munmap(base, layout.byteCount)
    }

    /// What both sides have counted since the ring was made.
    public var counters: ChannelCounters { ChannelCounters(reading: engineCounters, applicationCounters) }
}

/// Where the parts of a ring lie: the application's pages first, then the engine's, each part on pages of its own side.
public struct RingLayout: Sendable, Equatable {
    /// Occupancy that the application asked for; any number.
    public let descriptorCount: Int
    /// Slots in memory: the next power of two.
    public let slotCount: Int
    /// Most entries of one SG list.
    public let maximumEntries: Int

    /// Lays out a ring.
    ///
    /// - Parameters:
    ///   - descriptorCount: 1 to 32768: half the ring index's range, so that an index tells before from after.
    ///   - maximumEntries: entries a source or destination list may have, 0 to 64.
    public init(descriptorCount: Int, maximumEntries: Int) {
        precondition((1...32768).contains(descriptorCount) && (0...64).contains(maximumEntries), "validated before")
        self.descriptorCount = descriptorCount
        self.maximumEntries = maximumEntries
        var slots = 1
        while slots < descriptorCount { slots <<= 1 }
        slotCount = slots
    }

    private static let page = 4096
    private func pages(_ bytes: Int) -> Int { (bytes + Self.page - 1) & ~(Self.page - 1) }

    var entriesPerSlot: Int { 2 * maximumEntries }

    // The application's side.
    var producerPageOffset: Int { 0 }
    var descriptorsOffset: Int { Self.page }
    var entriesOffset: Int { descriptorsOffset + pages(slotCount * MemoryLayout<dmadev_descriptor>.stride) }
    var doorbellTimesOffset: Int {
        entriesOffset + pages(slotCount * entriesPerSlot * MemoryLayout<dmadev_sge>.stride)
    }
    /// Where counters lie in the first page of each side: on cache lines of their own.
    static let countersOffset = 128
    /// Size of the application's side.
    public var applicationByteCount: Int { consumerPageOffset }
    /// Size of the engine's side.
    public var engineByteCount: Int { byteCount - consumerPageOffset }

    // The engine's side.
    var consumerPageOffset: Int { doorbellTimesOffset + pages(slotCount * MemoryLayout<UInt64>.stride) }
    var statusesOffset: Int { consumerPageOffset + Self.page }
    /// Size of the whole.
    public var byteCount: Int { statusesOffset + pages(slotCount * MemoryLayout<UInt16>.stride) }
}
