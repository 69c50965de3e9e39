internal import CDMADev

/// One counter of a channel. `/dmadev/xstats`, the metrics and their documentation are derived from ``table``.
public struct ChannelCounter: Sendable {
    /// The unit of a value.
    public enum Unit: String, Sendable {
        case operations, bytes, doorbells, descriptors, nanoseconds
    }

    /// The metric in which a counter is one series.
    public struct Metric: Sendable, Equatable {
        /// The metric's name, without `_total`.
        public var name: String
        /// The label that distinguishes the counter within the metric; `nil` if the metric has only this counter.
        public var label: (name: String, value: String)? { labelName.map { ($0, labelValue) } }

        private let labelName: String?
        private let labelValue: String

        init(_ name: String, _ label: (name: String, value: String)? = nil) {
            self.name = name
            labelName = label?.name
            labelValue = label?.value ?? ""
        }
    }

    /// How a value is computed.
    enum Source: Sendable {
        typealias Word = any (WritableKeyPath<ChannelCounters, UInt64> & Sendable)

        /// A word that only grows; the sum over several channels.
        case sum(Word)
        /// The highest value so far; the maximum over several channels.
        case peak(Word)
        /// Computed from other words.
        case derived(@Sendable (ChannelCounters) -> UInt64)
    }

    /// The name in `/dmadev/xstats`.
    public let name: String
    /// The unit of the value.
    public let unit: Unit
    /// One sentence for `# HELP`; the same for all counters of a metric.
    public let help: String
    /// The metric; `nil` if another metric already contains the value.
    public let metric: Metric?
    let source: Source

    /// Whether it is a high-water mark and not a running count.
    public var isPeak: Bool { if case .peak = source { true } else { false } }

    /// Computes the value from a snapshot.
    public func value(in counters: ChannelCounters) -> UInt64 {
        switch source {
        case .sum(let word), .peak(let word): counters[keyPath: word]
        case .derived(let value): value(counters)
        }
    }

    init(_ name: String, _ unit: Unit, _ source: Source, metric: Metric?, help: String) {
        self.name = name
        self.unit = unit
        self.help = help
        self.metric = metric
        self.source = source
    }

    /// Every counter, in the order of the replies. The first three are those of `struct rte_dma_stats`.
    public static let table: [ChannelCounter] =
        [
            ChannelCounter(
                "submitted", .operations, .sum(\.application.submitted), metric: Metric("dmadev_operations_submitted"),
                help: "Operations that a doorbell made visible to the engine."),
            ChannelCounter(
                "completed", .operations, .sum(\.engine.completed), metric: Metric("dmadev_operations_completed"),
                help: "Operations that the engine has finished, failed ones included."),
            ChannelCounter(
                "errors", .operations, .sum(\.engine.errors), metric: Metric("dmadev_operation_errors"),
                help: "Operations that ended with another status than successful."),
            ChannelCounter(
                "bytes", .bytes, .sum(\.engine.bytes), metric: Metric("dmadev_moved_bytes"),
                help: "Bytes that successful operations moved."),
            kind("copy", \.engine.kinds.1),
            kind("copy_sg", \.engine.kinds.2),
            kind("fill", \.engine.kinds.3),
            kind("unknown", \.engine.kinds.0),
        ]
        + CompletionStatus.table.enumerated().map { place, row in
            ChannelCounter(
                "status_" + row.name, .operations, .derived { $0.count(ofStatus: place) },
                metric: Metric("dmadev_operations_by_status", ("status", row.name)),
                help: "Operations finished, by status; successful is one of them.")
        } + [
            ChannelCounter(
                "rejected_enqueues", .operations, .sum(\.application.rejected),
                metric: Metric("dmadev_rejected_enqueues"), help: "Enqueues refused because the ring was full."),
            ChannelCounter(
                "doorbells", .doorbells, .sum(\.application.doorbells), metric: Metric("dmadev_doorbells"),
                help: "Doorbells that made something visible."),
            ChannelCounter(
                "occupancy_high_water", .descriptors, .peak(\.application.high_water),
                metric: Metric("dmadev_vchan_ring_high_water"),
                help: "Most slots of the ring that were in use at a doorbell."),
            ChannelCounter(
                "latency_count", .operations, .derived { $0.latency.count }, metric: nil,
                help: "Operations in the latency histogram."),
            ChannelCounter(
                "latency_sum_ns", .nanoseconds, .sum(\.engine.latency_sum), metric: nil,
                help: "Time from doorbell to completion, over all operations of the latency histogram."),
        ]

    /// The words of which the sum of several channels is the highest.
    static let peaks: [Source.Word] = table.compactMap { if case .peak(let word) = $0.source { word } else { nil } }

    private static func kind(_ name: String, _ word: Source.Word) -> ChannelCounter {
        ChannelCounter(
            "ops_" + name, .operations, .sum(word), metric: Metric("dmadev_operations", ("kind", name)),
            help: "Operations finished, by kind: copy, copy_sg, fill, unknown.")
    }
}
