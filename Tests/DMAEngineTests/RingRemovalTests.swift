import DMADev
import TestSupport
import Testing

@testable import DMAEngine

/// Rings that leave their engine together.
@Suite struct RingRemovalTests {
    private static func rings(_ count: Int, on engine: Engine) -> [EngineRing] {
        (0..<count).compactMap { _ in
            ApplicationRing(
                layout: RingLayout(descriptorCount: 16, maximumEntries: 0), mode: [], engine: engine,
                EngineRing.Configuration())?
                .engineRing
        }
    }

    @Test("All rings of a device leave in one change of the engine")
    func oneChange() throws {
        let engine = try Engine()
        let rings = Self.rings(64, on: engine)
        #expect(engine.report.rings == 64)
        let before = engine.requestQuiescentPoint()
        EngineRing.retire(rings)
        #expect(engine.requestQuiescentPoint().generation - before.generation == 2)
        #expect(engine.report.rings == 0)
    }

    @Test("Rings leave in any order, some of them twice, and the others are served")
    func anyOrder() throws {
        let engine = try Engine()
        var generator = SeededGenerator(for: "removed rings")
        let kept = try TestRing(engine: engine, descriptorCount: 16)
        let rings = Self.rings(20, on: engine).shuffled(using: &generator)
        let last = try TestRing(engine: engine, descriptorCount: 16)
        for part in [rings[..<5], rings[3..<9], rings[...]] {
            engine.waitFor(EngineRing.startDetaching(Array(part), from: engine))
            for ring in [kept, last] {
                #expect(ring.producer.enqueueFill(0, 0, length: 0, flags: 0) >= 0)
                ring.producer.submit()
                _ = ring.statuses(1)
            }
        }
        for ring in rings {
            ring.wasDetached()
            ring.abortRest()
        }
        for ring in [kept, last] { ring.retire() }
        #expect(engine.report.rings == 0)
    }
}
