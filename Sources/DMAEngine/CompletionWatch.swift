internal import CDMADev
internal import LinuxSystem

/// What an engine notifies of a publication.
enum CompletionRecipient {
    /// A thread of this process.
    case thread(ChangeCount)
    /// The thread that serves other processes.
    case list(RingAnnouncements, RingAnnouncements.Ring)

    /// Never waits.
    ///
    /// - Returns: `false` when it is to be notified again later.
    func notify() -> Bool {
        switch self {
        case .thread(let announced):
            announced.increment()
            return true
        case .list(let list, let ring): return list.add(ring)
        }
    }
}

/// One ring whose next publication an engine announces: used by the engine's thread only.
struct CompletionWatch {
    let consumer: UnsafeMutablePointer<RingConsumer>
    /// The number of finished operations that are waited for.
    let target: UInt64
    let recipient: CompletionRecipient

    /// Whether the operations are published, or never will be.
    var hasEnded: Bool { consumer.pointee.hasPublished(target) }
}

/// The rings that an engine watches. As long as there are any, its thread runs another loop than without, so that the
/// usual one has no instruction for them.
struct CompletionWatches {
    private var watches: [CompletionWatch] = []
    /// The next one that ``announce()`` looks at.
    private var next = 0
    /// The number of watches that one round looks at. Other processes can have as many as rings, and must not make each
    /// round long.
    private static let partCount = 16

    var isEmpty: Bool { watches.isEmpty }

    /// Watches a ring; a ring has one watch, the latest.
    mutating func add(_ watch: CompletionWatch) {
        watches.removeAll { $0.consumer == watch.consumer }
        watches.append(watch)
    }

    /// Ends the watches of rings that are removed.
    mutating func remove(_ rings: [ServedRing]) {
        guard !watches.isEmpty else { return }
        let consumers = Set(rings.lazy.map(\.consumer))
        watches.removeAll { watch in
            guard consumers.contains(watch.consumer) else { return false }
            _ = watch.recipient.notify()
            return true
        }
    }

    /// Announces what was published on the next few rings.
    mutating func announce() {
        for _ in 0..<min(watches.count, Self.partCount) {
            // Each pass removes at most one, so that one is left here.
            if next >= watches.count { next = 0 }
            if watches[next].hasEnded, watches[next].recipient.notify() {
                watches.swapAt(next, watches.count - 1)
                watches.removeLast()
            } else {
                next += 1
            }
        }
    }

    /// Announces what was published on all rings, before the thread sleeps.
    ///
    /// - Returns: whether nothing is left to announce.
    mutating func announceAll() -> Bool {
        var isComplete = true
        watches.removeAll { watch in
            guard watch.hasEnded else { return false }
            let isNotified = watch.recipient.notify()
            isComplete = isComplete && isNotified
            return isNotified
        }
        return isComplete
    }
}
