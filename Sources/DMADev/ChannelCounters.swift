public import CDMADev
internal import LinuxSystem
internal import Synchronization

/// The counters of a channel since its device was created, or of one of its rings: `struct dmadev_counters`. They only
/// grow.
///
/// ``ChannelCounter/table`` has name, unit and description of each; `counters["doorbells"]` reads one by name.
@frozen
public struct ChannelCounters: Sendable, Equatable {
    /// Written by the engine.
    public var engine = dmadev_engine_counters()
    /// Written by the application.
    public var application = dmadev_application_counters()

    /// All zero.
    public init() {}

    /// Reads counters while they are written, each word atomically. `completed` is read before `submitted`, so it is
    /// never larger.
    public init(
        reading engine: UnsafeMutablePointer<dmadev_engine_counters>,
        _ application: UnsafeMutablePointer<dmadev_application_counters>
    ) {
        let completed = engine.member(\.completed).loadAcquiring()
        Self.words(of: &self.engine) { words in Self.read(words, engine.word(0)) }
        self.engine.completed = completed
        // The engine's words are read; those of the application must not be read earlier.
        atomicMemoryFence(ordering: .acquiring)
        Self.words(of: &self.application) { words in Self.read(words, application.word(0)) }
    }

    /// Counters that nobody writes any more.
    package init(_ counters: dmadev_counters) {
        engine = counters.engine
        application = counters.application
    }

    private static func read(_ words: UnsafeMutableBufferPointer<UInt64>, _ source: UnsafeMutablePointer<UInt64>) {
        guard let first = words.baseAddress else { return }
        dmadev_read_words(first, source, words.count)
    }

    /// The three counters of `struct rte_dma_stats`.
    public var statistics: Statistics {
        Statistics(submitted: application.submitted, completed: engine.completed, errors: engine.errors)
    }

    /// Operations finished, by status; statuses with count 0 are left out.
    public var statuses: [CompletionStatus: UInt64] {
        var all: [CompletionStatus: UInt64] = [:]
        for (place, row) in CompletionStatus.table.enumerated() where count(ofStatus: place) > 0 {
            all[row.status] = count(ofStatus: place)
        }
        return all
    }

    /// Operations finished with the status at an index of ``CompletionStatus/table``. The successful count is not
    /// stored: it is the total minus all others.
    func count(ofStatus place: Int) -> UInt64 {
        withUnsafeBytes(of: engine.statuses) { bytes in
            let words = bytes.bindMemory(to: UInt64.self)
            guard place == 0 else { return words[place] }
            let failed = words.dropFirst().reduce(0, &+)
            return engine.completed > failed ? engine.completed - failed : 0
        }
    }

    /// The histogram of times from doorbell to completion.
    public var latency: Latency {
        withUnsafeBytes(of: engine.latency_buckets) { bytes in
            Latency(
                buckets: bytes.bindMemory(to: UInt64.self).enumerated().map {
                    Latency.Bucket(upperBound: Latency.upperBound(ofBucket: $0), count: $1)
                }, sum: engine.latency_sum)
        }
    }

    /// The value of the counter with a name; `nil` when ``ChannelCounter/table`` has no such name.
    public subscript(name: String) -> UInt64? {
        ChannelCounter.table.first { $0.name == name }?.value(in: self)
    }

    /// Adds counts; takes the maximum of high-water marks.
    public static func + (left: Self, right: Self) -> Self {
        var sum = left
        add(right.engine, to: &sum.engine)
        add(right.application, to: &sum.application)
        for word in ChannelCounter.peaks { sum[keyPath: word] = max(left[keyPath: word], right[keyPath: word]) }
        return sum
    }

    /// Compares all words.
    public static func == (left: Self, right: Self) -> Bool {
        withUnsafeBytes(of: left) { one in withUnsafeBytes(of: right) { other in one.elementsEqual(other) } }
    }

    private static func add<Words>(_ more: Words, to sum: inout Words) {
        withUnsafeBytes(of: more) { bytes in
            let more = bytes.bindMemory(to: UInt64.self)
            words(of: &sum) { words in
                for index in words.indices { words[index] &+= more[index] }
            }
        }
    }

    /// The structures contain only 64-bit words, padding included.
    private static func words<Words>(of words: inout Words, _ body: (UnsafeMutableBufferPointer<UInt64>) -> Void) {
        withUnsafeMutableBytes(of: &words) { body($0.bindMemory(to: UInt64.self)) }
    }
}

extension Statistics {
    /// Reads these three of a ring's counters while they are written, in the order in which `completed` is never larger
    /// than `submitted`.
    public init(
        reading engine: UnsafeMutablePointer<dmadev_engine_counters>,
        _ application: UnsafeMutablePointer<dmadev_application_counters>
    ) {
        let completed = engine.member(\.completed).loadAcquiring()
        let errors = engine.member(\.errors).loadAcquiring()
        self.init(
            submitted: application.member(\.submitted).loadAcquiring(), completed: completed, errors: errors)
    }
}
