internal import CDMADev
internal import LinuxSystem
internal import Synchronization

/// A word that a thread sleeps on until an engine has published what it waits for.
final class WakeWord: @unchecked Sendable {
    // Constant; the word is atomic.
    private let word: UnsafeMutablePointer<Atomic<UInt32>>

    init() {
        word = .allocate(capacity: 1)
        word.initialize(to: Atomic(0))
    }

    deinit {
        word.deinitialize(count: 1)
        word.deallocate()
    }

    /// To be read before the thread looks for what it waits for.
    var value: UInt32 { word.pointee.load(ordering: .acquiring) }

    /// Wakes the thread, or keeps it from falling asleep. Any thread.
    func wake() {
        word.pointee.wrappingAdd(1, ordering: .releasing)
        Futex.wakeAll(word)
    }

    /// Sleeps unless ``wake()`` was called since `value` was read.
    func sleep(unlessChangedFrom value: UInt32) { Futex.wait(word, while: value) }
}

/// One ring whose next publication an engine announces: used by the engine's thread only.
struct CompletionWatch {
    let consumer: UnsafeMutablePointer<RingConsumer>
    /// The number of finished operations that are waited for.
    let target: UInt64
    let word: WakeWord

    /// Whether the operations are published, or never will be.
    var hasEnded: Bool { consumer.pointee.hasPublished(target) }
}

/// The rings that an engine watches. As long as there are any, its thread runs another loop than without, so that the
/// usual one has no instruction for them.
struct CompletionWatches {
    private var watches: [CompletionWatch] = []

    var isEmpty: Bool { watches.isEmpty }

    /// Watches a ring; a ring has one watch, the latest.
    mutating func add(_ watch: CompletionWatch) {
        watches.removeAll { $0.consumer == watch.consumer }
        watches.append(watch)
    }

    /// Ends the watch of a ring that is removed.
    mutating func remove(_ consumer: UnsafeMutablePointer<RingConsumer>) {
        for watch in watches where watch.consumer == consumer { watch.word.wake() }
        watches.removeAll { $0.consumer == consumer }
    }

    /// Announces what was published.
    mutating func announce() {
        guard watches.contains(where: \.hasEnded) else { return }
        for watch in watches where watch.hasEnded { watch.word.wake() }
        watches.removeAll(where: \.hasEnded)
    }
}
