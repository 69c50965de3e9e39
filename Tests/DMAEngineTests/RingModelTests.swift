import CDMADev
import DMAEngine
import TestSupport
import Testing

/// Random operations on a ring with a running engine, checked one by one against a simple model. Runs under
/// ThreadSanitizer too, so its bad addresses are such that no page fault is needed to see it.
@Suite struct RingModelTests {
    static let badAddress: UInt64 = 1 << 60

    @Test("100,000 random operations end as the model says", arguments: [1, 7, 64, 1000])
    func randomOperations(descriptorCount: Int) throws {
        var random = SeededGenerator(for: "ring of \(descriptorCount)")
        let engine = try Engine()
        let ring = try TestRing(engine: engine, descriptorCount: descriptorCount)
        var model = RingModel()
        let arena = Arena(slots: descriptorCount)
        defer { ring.retire() }

        while model.enqueued < 25_000 {
            switch random.next() % 16 {
            case 0..<9: enqueue(on: ring, &model, arena, &random)
            case 9..<11:
                ring.producer.submit()
                model.ring()
            case 11..<13: poll(ring, &model, &random)
            case 13..<15: pollStatus(ring, &model, &random)
            default: #expect(ring.producer.burstCapacity() == Int32(descriptorCount - model.occupied))
            }
        }
        ring.producer.submit()
        model.ring()
        while model.polled < model.enqueued { pollStatus(ring, &model, &random) }

        let counts = ring.counters.read()
        #expect(counts.submitted == UInt64(model.enqueued))
        #expect(counts.completed == UInt64(model.enqueued))
        #expect(ring.isIdle)
    }

    private func enqueue(
        on ring: TestRing, _ model: inout RingModel, _ arena: Arena, _ random: inout SeededGenerator
    ) {
        let slot = arena.slot(model.enqueued)
        let length = Int.random(in: 1...Arena.slotSize, using: &random)
        let fence = random.next() % 4 == 0
        let submit = random.next() % 8 == 0
        let flags: UInt64 = (fence ? 1 : 0) | (submit ? 2 : 0)
        let isFull = model.occupied == ring.descriptorCount
        var expected = RingModel.Expected(status: 0, destination: slot.destination, bytes: [])
        if !isFull { slot.scramble(&random) }

        let result: Int32
        switch random.next() % 8 {
        case 0:
            let pattern = random.next()
            expected.bytes = (0..<length).map { UInt8(truncatingIfNeeded: pattern >> (UInt64($0) % 8 * 8)) }
            result = ring.producer.enqueueFill(
                pattern: pattern, to: slot.destinationAddress, length: UInt32(length), flags: flags)
        case 1:
            let (sources, destinations, bytes) = slot.randomLists(length: length, &random)
            expected.bytes = bytes
            result = sources.withUnsafeBufferPointer { sources in
                destinations.withUnsafeBufferPointer { destinations in
                    ring.producer.enqueueCopy(from: sources, to: destinations, flags: flags)
                }
            }
        case 2:
            expected.status = UInt16(DMADEV_STATUS_INVALID_SRC_ADDR)
            result = ring.producer.enqueueCopy(
                from: Self.badAddress, to: slot.destinationAddress, length: UInt32(length), flags: flags)
        case 3 where random.next() % 2 == 0:
            expected.status = UInt16(DMADEV_STATUS_INVALID_DST_ADDR)
            result = ring.producer.enqueueFill(
                pattern: 1, to: .max, length: UInt32(length), flags: flags)
        default:
            expected.bytes = slot.source(length)
            result = ring.producer.enqueueCopy(
                from: slot.sourceAddress, to: slot.destinationAddress, length: UInt32(length), flags: flags)
        }

        guard !isFull else {
            #expect(result == -ENOSPC)
            return
        }
        #expect(result == Int32(UInt16(truncatingIfNeeded: model.enqueued)))
        model.enqueue(expected, fence: fence)
        if submit { model.ring() }
    }

    private func poll(_ ring: TestRing, _ model: inout RingModel, _ random: inout SeededGenerator) {
        let asked = UInt16.random(in: 0...40, using: &random)
        var lastIndex: UInt16 = 0
        var hasError = false
        let count = Int(ring.producer.completed(upTo: asked, lastIndex: &lastIndex, hasError: &hasError))
        #expect(count <= min(Int(asked), model.rung - model.polled))
        if hasError {
            #expect(count < Int(asked))
            #expect(model.queue[count].status != 0)
        }
        model.take(Array(repeating: 0, count: count))
        #expect(lastIndex == model.lastIndex)
    }

    private func pollStatus(_ ring: TestRing, _ model: inout RingModel, _ random: inout SeededGenerator) {
        let asked = UInt16.random(in: 0...40, using: &random)
        var lastIndex: UInt16 = 0
        var statuses = [UInt16](repeating: .max, count: 40)
        let count = Int(ring.producer.completedStatus(into: &statuses, count: asked, lastIndex: &lastIndex))
        #expect(count <= min(Int(asked), model.rung - model.polled))
        model.take(Array(statuses.prefix(count)))
        #expect(lastIndex == model.lastIndex)
    }
}
