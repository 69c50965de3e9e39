import DMADev
import CDMADev
import LinuxSystem
import TestSupport
import Testing

@testable import DMAEngine

/// What an engine makes of a ring that somebody has written nonsense into: the statuses that no call can bring about.
@Suite final class HostileRingTests {
    private let memory: RingMemory
    private let target = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: 2)

    init() throws {
        memory = try #require(RingMemory(layout: RingLayout(descriptorCount: 4, maximumEntries: 2)))
        target.initialize(repeating: 7)
    }

    deinit {
        target.deallocate()
    }

    private var address: UInt64 { UInt64(UInt(bitPattern: target.baseAddress)) }

    /// Lets an engine's side execute what stands in the ring; the statuses by slot.
    private func execute(_ count: UInt64, tail: UInt64? = nil) -> [UInt16] {
        var consumer = RingConsumer(
            memory: memory, owner: RingConsumer.Owner(engine: 0, ring: 1, device: 0, vchan: 0),
            spaces: AddressSpaces(source: AddressTranslation(.process), destination: AddressTranslation(.process)))
        defer { consumer.deallocate() }
        memory.producerPage.pointee.tail = tail ?? count
        for _ in 0..<100 { _ = consumer.step() }
        return (0..<Int(min(count, 4))).map { memory.statuses[$0] }
    }

    private func descriptor(kind: Int32, sources: UInt8 = 0, destinations: UInt8 = 0) -> dmadev_descriptor {
        dmadev_descriptor(
            src: address, dst: address + 8, length: 8, kind: UInt8(kind), flags: 0, nb_src: sources,
            nb_dst: destinations, src_handler: 0, dst_handler: 0, reserved: 0)
    }

    @Test("A descriptor that asks for nothing known ends as an invalid opcode, and is counted as such")
    func unknownKind() {
        for (slot, kind) in ([0, 4, 200, 255] as [Int32]).enumerated() {
            memory.descriptors[slot] = descriptor(kind: kind)
        }
        #expect(execute(4) == Array(repeating: UInt16(DMADEV_STATUS_INVALID_OPCODE.rawValue), count: 4))
        #expect(Array(target) == [7, 7])
        let counted = memory.counters
        #expect(counted["ops_unknown"] == 4)
        #expect(counted.statuses == [.invalidOpcode: 4])
        #expect(counted.statistics == Statistics(submitted: 0, completed: 4, errors: 4))
    }

    @Test("Lists that were changed after they were checked end as an invalid length, and reach no other slot's entries")
    func unequalLists() {
        for slot in 0..<4 {
            // Two entries a side and slot: what lies behind them is the next slot's.
            for entry in 0..<4 {
                memory.entries[slot * 4 + entry] = dmadev_sge(
                    addr: entry < 2 ? address : address + 8, length: 8, reserved: 0)
            }
        }
        memory.descriptors[0] = descriptor(kind: DMADEV_KIND_COPY_SG, sources: 1, destinations: 2)
        memory.descriptors[1] = descriptor(kind: DMADEV_KIND_COPY_SG, sources: 2, destinations: 1)
        memory.descriptors[2] = descriptor(kind: DMADEV_KIND_COPY_SG, sources: 0, destinations: 1)
        memory.descriptors[3] = descriptor(kind: DMADEV_KIND_COPY_SG, sources: 255, destinations: 255)
        let invalid = UInt16(DMADEV_STATUS_INVALID_LENGTH.rawValue)
        // The last one has two entries a side, however many it claims.
        #expect(execute(4) == [invalid, invalid, invalid, 0])
        #expect(memory.counters.engine.bytes == 16)
    }

    @Test("A doorbell beyond the ring halts it for good: nothing is read or finished any more", arguments: [5, .max])
    func impossibleTail(tail: UInt64) {
        var consumer = RingConsumer(
            memory: memory, owner: RingConsumer.Owner(engine: 0, ring: 1, device: 0, vchan: 0),
            spaces: AddressSpaces(source: AddressTranslation(.process), destination: AddressTranslation(.process)))
        defer { consumer.deallocate() }
        for slot in 0..<4 { memory.descriptors[slot] = descriptor(kind: DMADEV_KIND_FILL) }
        memory.producerPage.pointee.tail = tail
        #expect(consumer.hasWork() && !memory.isHalted)
        #expect(!consumer.step() && memory.isHalted)
        // A doorbell that would be possible comes too late.
        for tail: UInt64 in [4, 0, tail] {
            memory.producerPage.pointee.tail = tail
            #expect(!consumer.hasWork() && !consumer.step() && consumer.abortAll() == 0)
        }
        #expect(memory.consumerPage.pointee.completed == 0 && target[1] == 7)
        #expect(memory.counters.statistics == Statistics())
    }

    @Test("A channel whose ring is halted reports it, and its calls fail")
    func haltedChannel() throws {
        let engine = try Engine()
        let ring = try #require(
            ApplicationRing(
                layout: RingLayout(descriptorCount: 4, maximumEntries: 0), mode: [], engine: engine, .init()))
        #expect(ring.progress.state() == .idle)
        ring.memory.producerPage.member(\.tail).storeReleasing(1 << 40)
        engine.bell.ring()
        try eventually("the ring is halted") { ring.progress.state() == .halted }
        #expect(ring.status == .haltedError)
        ring.engineRing?.retire()
    }
}
