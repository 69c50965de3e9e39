internal import CDMADev

/// One counter of a channel. `/dmadev/xstats`, metrics and their page derive from ``table``.
public struct ChannelCounter: Sendable {
    /// What a value counts.
    public enum Unit: String, Sendable {
        case operations, bytes, doorbells, descriptors, nanoseconds
    }

    /// The metric that a counter is a series of.
    public struct Metric: Sendable, Equatable {
        /// The metric's name, without `_total`.
        public var name: String
        /// What tells the counter apart from others of that metric; `nil` where there are no others.
        public var label: (name: String, value: String)? { labelName.map { ($0, labelValue) } }

        private let labelName: String?
        private let labelValue: String

        init(_ name: String, _ label: (name: String, value: String)? = nil) {
            self.name = name
            labelName = label?.name
            labelValue = label?.value ?? ""
        }
    }

    /// Where a value comes from.
    enum Source: Sendable {
        typealias Word = any (WritableKeyPath<ChannelCounters, UInt64> & Sendable)

        /// A word that only grows; of several channels the sum.
        case sum(Word)
        /// The highest value so far; of several channels the highest.
        case peak(Word)
        /// What other words come to.
        case derived(@Sendable (ChannelCounters) -> UInt64)
    }

    /// The name in `/dmadev/xstats`.
    public let name: String
    /// What it counts.
    public let unit: Unit
    /// One sentence; the same for all counters of a metric.
    public let help: String
    /// The metric; `nil` for what another metric has already.
    public let metric: Metric?
    let source: Source

    /// Whether it is a level that stays, not a count that goes on.
    public var isPeak: Bool { if case .peak = source { true } else { false } }

    /// The counter's value.
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

    /// Every counter, in the order in which replies have them. The first three are those of `struct rte_dma_stats`.
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

    private static func kind(_ name: String, _ word: Source.Word) -> ChannelCounter {
        ChannelCounter(
            "ops_" + name, .operations, .sum(word), metric: Metric("dmadev_operations", ("kind", name)),
            help: "Operations finished, by kind: copy, copy_sg, fill, unknown.")
    }
}
