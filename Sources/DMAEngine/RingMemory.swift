public import CDMADev
public import DMADev
internal import Glibc

/// The memory of one descriptor ring, shared by application and engine.
///
/// It contains no pointers, so that two processes can map it; ``RingLayout`` gives the offsets of its parts. Unmapped
/// with the object.
public final class RingMemory: @unchecked Sendable {
    // The pointers are constant; each member of the memory behind them is written by one side, see cdmadev.h.
    /// Written by the application.
    public let producerPage: UnsafeMutablePointer<dmadev_producer_page>
    /// Written by the engine.
    public let consumerPage: UnsafeMutablePointer<dmadev_consumer_page>
    /// The slots.
    public let descriptors: UnsafeMutablePointer<dmadev_descriptor>
    /// The SG area: per slot, the source entries and then the destination entries.
    public let entries: UnsafeMutablePointer<dmadev_sge>
    /// For each slot that starts a batch: the time of its doorbell, in ticks.
    public let doorbellTimes: UnsafeMutablePointer<UInt64>
    /// One status per slot.
    public let statuses: UnsafeMutablePointer<UInt16>
    /// Counters on the producer page, written by the application; untrusted if that is another process.
    public let applicationCounters: UnsafeMutablePointer<dmadev_application_counters>
    /// Counters on the consumer page, written by the engine.
    public let engineCounters: UnsafeMutablePointer<dmadev_engine_counters>
    /// Sizes and offsets.
    public let layout: RingLayout
    /// The engine's side of a ring in a region, where its publications are copied: everything that the engine writes is in
    /// memory of its own, so that nothing is read back from the region. `nil` for all other rings.
    let copy: RingCopy?
    /// Whether the other side can be on another operating system: its clock, and its fences, are others.
    let isInRegion: Bool

    let base: UnsafeMutableRawPointer
    /// What keeps the memory mapped, if not this object.
    private let region: AnyObject?
    /// Set in `init`, and by the owner before it releases its reference.
    private var removesApplicationPages: Bool

    /// Maps zeroed memory; unused pages consume no memory.
    ///
    /// - Returns: `nil` when memory is exhausted.
    public convenience init?(layout: RingLayout) {
        let mapped = mmap(
            nil, layout.byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let mapped, mapped != MAP_FAILED else { return nil }
        self.init(adopting: mapped, layout: layout)
    }

    /// - Parameters:
    ///   - mapped: zeroed memory of the layout's size, unmapped with the object.
    ///   - removesApplicationPages: whether the pages of the application's side are freed then: otherwise those that
    ///     this process touched first stay charged to it as long as another process has the file.
    init(adopting mapped: UnsafeMutableRawPointer, layout: RingLayout, removesApplicationPages: Bool = false) {
        base = mapped
        copy = nil
        isInRegion = false
        region = nil
        self.removesApplicationPages = removesApplicationPages
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

    /// The application's side of a ring in a region.
    ///
    /// - Parameters:
    ///   - layout: the sizes and offsets of its parts.
    ///   - place: zeroed memory of the layout's size, page-aligned.
    ///   - region: keeps it mapped.
    package convenience init(layout: RingLayout, at place: UnsafeMutableRawPointer, in region: AnyObject) {
        self.init(
            layout, place, enginePart: place + layout.consumerPageOffset, place + layout.doorbellTimesOffset, region,
            nil)
    }

    /// The engine's side of a ring in a region, which an untrusted operating system writes: all that the engine writes is
    /// in memory of its own, and copied to the region when it publishes.
    ///
    /// - Parameters:
    ///   - layout: its parts.
    ///   - place: memory of the layout's size, page-aligned.
    ///   - region: keeps it mapped.
    /// - Returns: `nil` when memory is exhausted.
    package convenience init?(layout: RingLayout, servedAt place: UnsafeMutableRawPointer, in region: AnyObject) {
        let times = layout.consumerPageOffset - layout.doorbellTimesOffset
        let mapped = mmap(
            nil, layout.engineByteCount + times, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
            -1,
            0)
        guard let mapped, mapped != MAP_FAILED else { return nil }
        let enginePart = OwnMemory(
            bytes: UnsafeMutableRawBufferPointer(start: mapped, count: layout.engineByteCount + times), region: region)
        self.init(
            layout, place, enginePart: mapped, mapped + layout.engineByteCount, enginePart,
            RingCopy(place + layout.consumerPageOffset, place + layout.doorbellTimesOffset, layout))
    }

    /// The engine's own part of a ring in a region, unmapped with the ring.
    private final class OwnMemory {
        private let bytes: UnsafeMutableRawBufferPointer
        private let region: AnyObject

        init(bytes: UnsafeMutableRawBufferPointer, region: AnyObject) {
            self.bytes = bytes
            self.region = region
        }

        deinit {
            munmap(bytes.baseAddress, bytes.count)
        }
    }

    private init(
        _ layout: RingLayout, _ place: UnsafeMutableRawPointer, enginePart: UnsafeMutableRawPointer,
        _ times: UnsafeMutableRawPointer, _ region: AnyObject, _ copy: RingCopy?
    ) {
        base = place
        removesApplicationPages = false
        isInRegion = true
        self.copy = copy
        self.region = region
        self.layout = layout
        func part<T>(_ start: UnsafeMutableRawPointer, _ offset: Int, _ type: T.Type, count: Int)
            -> UnsafeMutablePointer<T>
        {
            (start + offset).bindMemory(to: type, capacity: count)
        }
        producerPage = part(place, layout.producerPageOffset, dmadev_producer_page.self, count: 1)
        descriptors = part(place, layout.descriptorsOffset, dmadev_descriptor.self, count: layout.slotCount)
        entries = part(place, layout.entriesOffset, dmadev_sge.self, count: layout.slotCount * layout.entriesPerSlot)
        applicationCounters = part(
            place, layout.producerPageOffset + RingLayout.countersOffset, dmadev_application_counters.self, count: 1)
        doorbellTimes = part(times, 0, UInt64.self, count: layout.slotCount)
        consumerPage = part(enginePart, 0, dmadev_consumer_page.self, count: 1)
        engineCounters = part(enginePart, RingLayout.countersOffset, dmadev_engine_counters.self, count: 1)
        statuses = part(
            enginePart, layout.statusesOffset - layout.consumerPageOffset, UInt16.self, count: layout.slotCount)
    }

    deinit {
        guard region == nil else { return }
        if removesApplicationPages {
            madvise(base, layout.applicationByteCount, MADV_REMOVE)
        }
        munmap(base, layout.byteCount)
    }

    /// The application's pages stay when the object is released: the application still reads its counters. Not while
    /// another thread uses the object.
    public func keepApplicationPages() {
        removesApplicationPages = false
    }

    /// The counters of both sides since the ring was created.
    public var counters: ChannelCounters { ChannelCounters(reading: engineCounters, applicationCounters) }
}

/// The layout of a ring: the application's pages first, then the engine's; no page belongs to both sides.
public struct RingLayout: Sendable, Equatable {
    /// The configured number of descriptors; need not be a power of two.
    public let descriptorCount: Int
    /// Slots in memory: the next power of two.
    public let slotCount: Int
    /// Maximum entries per SG list.
    public let maximumEntries: Int

    /// Computes the layout of a ring.
    ///
    /// - Parameters:
    ///   - descriptorCount: 1 to 32768: half the ring index's range, so that two indexes have a defined order.
    ///   - maximumEntries: maximum entries per source or destination list, 0 to 64.
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
    /// Offset of the counters in the first page of each side: on separate cache lines.
    static let countersOffset = 128
    /// Bytes of the application's side.
    public var applicationByteCount: Int { consumerPageOffset }
    /// Bytes of the engine's side.
    public var engineByteCount: Int { byteCount - consumerPageOffset }

    // The engine's side.
    var consumerPageOffset: Int { doorbellTimesOffset + pages(slotCount * MemoryLayout<UInt64>.stride) }
    var statusesOffset: Int { consumerPageOffset + Self.page }
    /// Bytes of both sides.
    public var byteCount: Int { statusesOffset + pages(slotCount * MemoryLayout<UInt16>.stride) }
}
