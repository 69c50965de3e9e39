import Glibc
import LinuxSystem
import Synchronization
import TestSupport
import Testing

@Suite struct AsymmetricFenceTests {
    /// What two threads share: words on cache lines of their own, and lines that both write, in turn.
    private final class Lines: @unchecked Sendable {
        // Constant; each word is atomic, and the stretch belongs to who has the turn.
        private let memory: UnsafeMutableRawPointer
        let stretch: UnsafeMutableRawBufferPointer

        init() {
            memory = .allocate(byteCount: (64 + 8) * 64, alignment: 64)
            memory.initializeMemory(as: UInt8.self, repeating: 0, count: (64 + 8) * 64)
            stretch = UnsafeMutableRawBufferPointer(start: memory + 8 * 64, count: 64 * 64)
        }

        deinit { memory.deallocate() }

        private func word(_ index: Int) -> UnsafeMutablePointer<UInt64> {
            (memory + index * 64).assumingMemoryBound(to: UInt64.self)
        }
        /// The round that may begin.
        var round: UnsafeMutablePointer<UInt64> { word(0) }
        /// The round that the light side has ended.
        var ended: UnsafeMutablePointer<UInt64> { word(1) }
        /// The round in which it did not see the heavy side's word.
        var missed: UnsafeMutablePointer<UInt64> { word(2) }
        /// What each side writes and the other one reads.
        var light: UnsafeMutablePointer<UInt64> { word(3) }
        var heavy: UnsafeMutablePointer<UInt64> { word(4) }
    }

    @Test(
        "Two threads that each write a word and then read the other's: one at least sees it",
        .enabled(if: AsymmetricFence.isRegistered && AsymmetricFence.isOffered, "the system has no membarrier"))
    func oneSees() throws {
        let rounds: UInt64 = ThreadSanitizer.isActive ? 2_000 : 200_000
        let lines = Lines()
        let thread = try SystemThread.start(name: "light") {
            for round in 1...rounds {
                while lines.round.loadAcquiring() < round { relaxProcessor() }
                // The other processor had these lines last: its own word, stored behind them, is long in coming.
                memset(lines.stretch.baseAddress!, 1, lines.stretch.count)
                lines.light.storeReleasing(round)
                AsymmetricFence.light()
                if lines.heavy.loadRelaxed() < round { lines.missed.storeRelaxed(round) }
                lines.ended.storeReleasing(round)
            }
        }
        var (bothMissed, fences) = (0, 0)
        var random = SeededGenerator(for: "fences")
        for round in 1...rounds {
            memset(lines.stretch.baseAddress!, 0, lines.stretch.count)
            lines.round.storeReleasing(round)
            for _ in 0..<(random.next() % 64) { relaxProcessor() }
            lines.heavy.atomic.pointee.store(round, ordering: .sequentiallyConsistent)
            if AsymmetricFence.heavy() { fences += 1 }
            let hasMissed = lines.light.loadAcquiring() < round
            while lines.ended.loadAcquiring() < round { relaxProcessor() }
            if hasMissed, lines.missed.loadRelaxed() == round { bothMissed += 1 }
        }
        thread.join()
        #expect(bothMissed == 0)
        #expect(fences == rounds)
    }
}
