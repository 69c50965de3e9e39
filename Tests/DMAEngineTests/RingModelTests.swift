import CDMADev
import DMADev
import DMAEngine
import RingTestSupport
import TestSupport
import Testing

/// Random operations on a ring with a running engine, checked one by one against a simple model. Runs under
/// ThreadSanitizer too, so its bad addresses are such that no page fault is needed to see it.
@Suite struct RingModelTests {
    @Test("100,000 random operations end as the model says", arguments: [1, 7, 64, 1000])
    func randomOperations(descriptorCount: Int) throws {
        var random = SeededGenerator(for: "ring of \(descriptorCount)")
        let engine = try Engine()
        let ring = try TestRing(engine: engine, descriptorCount: descriptorCount)
        var model = RingModel(descriptorCount: descriptorCount)
        let arena = Arena(slots: descriptorCount, &random)
        defer { ring.retire() }

        while model.enqueued < 25_000 {
            switch random.next() % 16 {
            case 0..<9: enqueue(on: ring, &model, arena.operation(model.enqueued, &random))
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

        let counts = ring.statistics
        #expect(counts.submitted == UInt64(model.enqueued))
        #expect(counts.completed == UInt64(model.enqueued))
        #expect(ring.isIdle)
    }

    private func enqueue(on ring: TestRing, _ model: inout RingModel, _ operation: RandomOperation) {
        let result: Int32
        switch operation.request {
        case .copy(let from, let to, let length):
            result = ring.producer.enqueueCopy(from, to, length: length, flags: operation.flags)
        case .fill(let pattern, let to, let length):
            result = ring.producer.enqueueFill(pattern, to, length: length, flags: operation.flags)
        case .lists(let from, let to):
            result = from.withUnsafeBufferPointer { from in
                to.withUnsafeBufferPointer { to in
                    ring.producer.enqueueCopy(
                        from.baseAddress, to.baseAddress, UInt16(from.count), UInt16(to.count), flags: operation.flags)
                }
            }
        }
        guard model.occupied < ring.descriptorCount else {
            #expect(result == -ENOSPC)
            return
        }
        #expect(result == Int32(UInt16(truncatingIfNeeded: model.enqueued)))
        model.enqueue(operation.expected, fence: operation.isFenced)
        if operation.rings { model.ring() }
    }

    private func poll(_ ring: TestRing, _ model: inout RingModel, _ random: inout SeededGenerator) {
        let asked = UInt16.random(in: 0...40, using: &random)
        var lastIndex: UInt16 = 0
        var hasError = false
        let count = Int(ring.producer.completed(upTo: asked, lastIndex: &lastIndex, hasError: &hasError))
        #expect(count <= min(Int(asked), model.rung - model.polled))
        if hasError {
            #expect(count < Int(asked))
            #expect(model.status(count) != 0)
        }
        model.take(repeatElement(0, count: count))
        #expect(lastIndex == model.lastIndex)
    }

    private func pollStatus(_ ring: TestRing, _ model: inout RingModel, _ random: inout SeededGenerator) {
        let asked = UInt16.random(in: 0...40, using: &random)
        var lastIndex: UInt16 = 0
        var statuses = [UInt16](repeating: .max, count: 40)
        let count = Int(ring.producer.completedStatus(into: &statuses, count: asked, lastIndex: &lastIndex))
        #expect(count <= min(Int(asked), model.rung - model.polled))
        model.take(statuses.prefix(count))
        #expect(lastIndex == model.lastIndex)
    }
}
