import CDMADev
import DMAEngine
import TestSupport
import Testing

let ENOSPC: Int32 = 28

/// A ring on an engine, with its counters.
struct TestRing {
    let counters = RingCounters()
    let descriptorCount: Int
    private let ring: DescriptorRing

    init(engine: Engine, descriptorCount: Int, isSilent: Bool = false) throws {
        self.descriptorCount = descriptorCount
        var configuration = DescriptorRing.Configuration(
            layout: RingLayout(descriptorCount: descriptorCount, maximumEntries: 8))
        configuration.isSilent = isSilent
        ring = try #require(DescriptorRing(configuration, counters: counters, engine: engine))
    }

    var producer: RingProducer { ring.producer.pointee }
    var isIdle: Bool { ring.isIdle }
    func retire() { ring.retire() }

    /// Polls until `count` operations have ended; their statuses.
    func statuses(_ count: Int) -> [UInt16] {
        var all: [UInt16] = []
        var some = [UInt16](repeating: 0, count: 64)
        var lastIndex: UInt16 = 0
        while all.count < count {
            let wanted = UInt16(min(64, count - all.count))
            let got = producer.completedStatus(into: &some, count: wanted, lastIndex: &lastIndex)
            all += some.prefix(Int(got))
        }
        return all
    }
}

/// Memory for random operations: a source and a destination for each slot of a ring, so that operations that are under
/// way at the same time never meet.
final class Arena {
    static let slotSize = 512
    private let memory: UnsafeMutableRawPointer
    private let slots: Int

    init(slots: Int) {
        self.slots = slots
        memory = .allocate(byteCount: 2 * slots * Self.slotSize, alignment: 64)
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: 2 * slots * Self.slotSize)
    }

    deinit {
        memory.deallocate()
    }

    func slot(_ operation: Int) -> Slot {
        Slot(source: memory + operation % slots * 2 * Self.slotSize)
    }

    struct Slot {
        let source: UnsafeMutableRawPointer
        var destination: UnsafeMutableRawPointer { source + Arena.slotSize }
        var sourceAddress: UInt64 { UInt64(UInt(bitPattern: source)) }
        var destinationAddress: UInt64 { UInt64(UInt(bitPattern: destination)) }

        func scramble(_ random: inout SeededGenerator) {
            for offset in stride(from: 0, to: Arena.slotSize, by: 8) {
                source.storeBytes(of: random.next(), toByteOffset: offset, as: UInt64.self)
            }
        }

        func source(_ length: Int) -> [UInt8] {
            Array(UnsafeRawBufferPointer(start: source, count: length))
        }

        /// Cuts the slot's source and destination into lists of up to 8 entries, empty ones among them.
        func randomLists(
            length: Int, _ random: inout SeededGenerator
        ) -> (from: [dmadev_sge], to: [dmadev_sge], bytes: [UInt8]) {
            func cut(_ start: UInt64) -> [dmadev_sge] {
                let count = Int.random(in: 1...8, using: &random)
                let ends = (1..<count).map { _ in Int.random(in: 0...length, using: &random) }.sorted() + [length]
                var begin = 0
                return ends.map { end in
                    defer { begin = end }
                    return dmadev_sge(addr: start + UInt64(begin), length: UInt32(end - begin), reserved: 0)
                }
            }
            return (cut(sourceAddress), cut(destinationAddress), source(length))
        }
    }
}
