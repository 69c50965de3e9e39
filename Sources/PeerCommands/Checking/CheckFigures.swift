import OpenMetricsText
import TelemetryClient

/// The values that `check` compares with thresholds: from one collection, or from the difference of two.
struct CheckFigures {
    /// Every channel of the sources that answered, in their order.
    private(set) var channels: [CheckedChannel] = []
    private(set) var deviceCount = 0
    /// Completed operations per second, of all channels together; `nil` if no process reports them, or after one look.
    private(set) var operationsPerSecond: Double?
    /// All sources, with the reason why nothing is known of one.
    private(set) var sources: [CheckedSource] = []
    /// The sources that answered only in the second of two collections, so that nothing is known of the time between.
    private(set) var sourcesReadOnce: [TelemetrySource] = []
    /// Whether a process reports counters of operations, and of latencies; there may have been none.
    private(set) var reportsOperations = false
    private(set) var reportsLatency = false

    /// - Parameters:
    ///   - earlier: an earlier collection; counters are the increase since then. Empty: the totals are used.
    ///   - seconds: the time between the two.
    init(_ families: [MetricFamily], since earlier: [MetricFamily] = [], seconds: Double = 0) {
        let now = CheckCollection(families)
        let before = earlier.isEmpty ? nil : CheckCollection(earlier)
        sources = now.sources
        if let before {
            sourcesReadOnce = sources.filter { $0.failure == nil && before.hasFailed($0.name) }.map(\.name)
        }
        deviceCount = now.samples("dmadev_device").count
        reportsOperations = !now.samples("dmadev_operations_completed").isEmpty
        reportsLatency = !now.samples("dmadev_operation_latency_seconds").isEmpty
        channels = now.channels.map { CheckedChannel($0, now, since: before, seconds: seconds) }
        if reportsOperations, seconds > 0 {
            operationsPerSecond = channels.compactMap(\.operationsPerSecond).reduce(0, +)
        }
    }

    /// The values of a figure with the channel, if it is one of channels.
    func values(of figure: CheckFigure) -> [(value: Double, channel: CheckedChannel?)] {
        switch figure {
        case .devices: [(Double(deviceCount), nil)]
        case .operations: operationsPerSecond.map { [($0, nil)] } ?? []
        default: channels.compactMap { channel in channel.value(of: figure).map { ($0, channel) } }
        }
    }

    /// Whether a process reports what the figure is computed from.
    func isReported(_ figure: CheckFigure) -> Bool {
        switch figure {
        case .devices: true
        case .errorRatio, .operations: reportsOperations
        case .occupancy: !values(of: .occupancy).isEmpty
        case .latencyP99: reportsLatency
        }
    }

    /// The sources with a channel whose figure is not reported.
    func sourcesWithout(_ figure: CheckFigure) -> [TelemetrySource] {
        var seen: Set<TelemetrySource> = []
        return channels.filter { $0.unreported.contains(figure) }.map(\.key.source).filter { seen.insert($0).inserted }
    }
}

/// A source, as `check` shows it.
struct CheckedSource {
    let name: TelemetrySource
    /// Why nothing is known of it: the description of a `TelemetryClientError.Code`; `nil` if it answered.
    let failure: String?
    /// The number of its owner.
    let user: UInt32?
    /// The time of its answers.
    let seconds: Double
}

/// One collection of metrics, by series.
struct CheckCollection {
    private let families: [String: [MetricSample]]
    private let numbers: [String: [CheckedChannel.Key: Double]]
    private let histograms: [CheckedChannel.Key: MetricHistogram]
    let sources: [CheckedSource]
    private let processes: [TelemetrySource: String]
    private let failed: Set<TelemetrySource>
    /// The least and greatest number of slots of any use.
    private var slots: [CheckedChannel.Key: ClosedRange<Double>] = [:]

    init(_ families: [MetricFamily]) {
        let samples = Dictionary(
            families.map { ($0.description.name, $0.samples) }, uniquingKeysWith: { first, _ in first })
        self.families = samples
        func byChannel<Value>(_ name: String, _ value: (MetricValue) -> Value?) -> [CheckedChannel.Key: Value] {
            Dictionary(
                (samples[name] ?? []).compactMap { sample in
                    value(sample.value).map { (CheckedChannel.Key(sample.labels), $0) }
                }, uniquingKeysWith: { first, _ in first })
        }
        numbers = Dictionary(
            uniqueKeysWithValues: CheckedChannel.metrics.map { name in (name, byChannel(name, \.number)) })
        histograms = byChannel("dmadev_operation_latency_seconds", \.histogram)
        func bySource<Value>(_ name: String, _ value: (MetricSample) -> Value?) -> [TelemetrySource: Value] {
            Dictionary(
                (samples[name] ?? []).compactMap { sample in
                    value(sample).map { (TelemetrySource(sample.labels), $0) }
                },
                uniquingKeysWith: { first, _ in first })
        }
        let owners = bySource("dmascope_source") { $0.labels["source_uid"].flatMap(UInt32.init) }
        let failures = bySource("dmascope_scrape_failure") { $0.labels["reason"] }
        let times = bySource("dmascope_scrape_duration_seconds", \.value.number)
        processes = bySource("dmascope_source") { $0.labels["pid"] }
        sources = (samples["dmascope_scrape_success"] ?? []).map { sample in
            let name = TelemetrySource(sample.labels)
            return CheckedSource(
                name: name, failure: failures[name], user: owners[name], seconds: times[name] ?? 0)
        }
        failed = Set(sources.filter { $0.failure != nil }.map(\.name))
        for sample in samples["dmadev_vchan_ring_slots"] ?? [] {
            guard let count = sample.value.number, !count.isNaN else { continue }
            let key = CheckedChannel.Key(sample.labels)
            let known = slots[key] ?? count...count
            slots[key] = min(known.lowerBound, count)...max(known.upperBound, count)
        }
    }

    func samples(_ name: String) -> [MetricSample] { families[name] ?? [] }
    func number(_ name: String, _ channel: CheckedChannel.Key) -> Double? { numbers[name]?[channel] }
    func latency(_ channel: CheckedChannel.Key) -> MetricHistogram? { histograms[channel] }

    /// Whether the process of a source is the one of another collection, which may not have read it.
    func hasSameProcess(_ source: TelemetrySource, as other: CheckCollection) -> Bool {
        processes[source] == other.processes[source]
    }

    /// Whether a source is in this collection and answered nothing.
    func hasFailed(_ source: TelemetrySource) -> Bool { failed.contains(source) }

    func slots(_ channel: CheckedChannel.Key) -> ClosedRange<Double>? { slots[channel] }

    /// The channels in the order of the sources, with their states. A state that is none of the known ones is missing.
    var channels: [(key: CheckedChannel.Key, state: String?)] {
        var states: [CheckedChannel.Key: String] = [:]
        var order: [CheckedChannel.Key] = []
        var seen: Set<CheckedChannel.Key> = []
        for sample in samples("dmadev_vchan_state") {
            let key = CheckedChannel.Key(sample.labels)
            if seen.insert(key).inserted { order.append(key) }
            if sample.value.number == 1 { states[key] = sample.labels["state"] }
        }
        return order.map { ($0, states[$0]) }
    }
}

extension TelemetrySource {
    /// The source that labels of a series name.
    init(_ labels: LabelSet) {
        self.init(
            runDirectory: labels["run_directory"] ?? "", prefix: labels["prefix"] ?? "",
            instance: labels["prefix_instance"].flatMap { Int($0) })
    }
}

extension MetricValue {
    fileprivate var number: Double? {
        if case .number(let number) = self { number.double } else { nil }
    }

    fileprivate var histogram: MetricHistogram? {
        if case .histogram(let histogram) = self { histogram } else { nil }
    }
}
