import OpenMetricsText
import TelemetryClient

/// The values that `check` compares with thresholds: from one collection, or from the difference of two.
struct CheckFigures {
    /// The greatest ratio of all channels; `nil` if no channel has completed an operation.
    private(set) var errorRatio: Double?
    /// The greatest value of all channels; `nil` if no process reports it.
    private(set) var occupancy: Double?
    /// The greatest value of all channels, in seconds: the upper bound for 99 of 100 operations.
    private(set) var latencyP99: Double?
    private(set) var deviceCount = 0
    private(set) var sourceCount = 0
    /// Whether a process reports counters of operations, and of latencies; there may have been none.
    private(set) var reportsOperations = false
    private(set) var reportsLatency = false
    /// Halted and stuck channels, as `NAME:VCHAN`.
    private(set) var halted: [String] = []
    private(set) var stuck: [String] = []
    /// Sources that did not answer, with the reason.
    private(set) var failed: [String] = []
    /// Sources that are not read because their user is not trusted, with his number.
    private(set) var untrusted: [(source: String, user: UInt32?)] = []
    /// Sources and directories that this user may not or cannot read, with the number of their owner.
    private(set) var notPermitted: [(source: String, user: UInt32?)] = []

    /// - Parameters:
    ///   - earlier: an earlier collection; counters are the increase since then. Empty: the totals are used.
    ///   - selector: use only the sources that it selects; `nil`: use all sources.
    init(_ families: [MetricFamily], since earlier: [MetricFamily] = [], selector: TelemetrySourceSelector? = nil) {
        func samples(_ name: String, in families: [MetricFamily]) -> [MetricSample] {
            (families.first { $0.description.name == name }?.samples ?? []).filter {
                selector?.includes(Self.source($0)) ?? true
            }
        }
        func values(_ name: String) -> [LabelSet: Double] {
            Self.byLabels(samples(name, in: families), \.number)
                .merging(Self.byLabels(samples(name, in: earlier), \.number)) { max($0 - $1, 0) }
        }
        reportsOperations = !samples("dmadev_operations_completed", in: families).isEmpty
        reportsLatency = !samples("dmadev_operation_latency_seconds", in: families).isEmpty
        let errors = values("dmadev_operation_errors")
        errorRatio = values("dmadev_operations_completed").compactMap { labels, completed in
            completed > 0 ? (errors[labels] ?? 0) / completed : nil
        }.max()
        occupancy = samples("dmadev_vchan_ring_occupancy_ratio", in: families).compactMap(\.value.number).max()
        let before = Self.byLabels(samples("dmadev_operation_latency_seconds", in: earlier), \.histogram)
        latencyP99 = samples("dmadev_operation_latency_seconds", in: families).compactMap { sample in
            sample.value.histogram.flatMap { Self.percentile(0.99, of: $0, since: before[sample.labels]) }
        }.max()
        deviceCount = samples("dmadev_device", in: families).count
        func channels(_ state: String) -> [String] {
            samples("dmadev_vchan_state", in: families)
                .filter { $0.labels["state"] == state && $0.value.number == 1 }
                .map { "\($0.labels["name"] ?? ""):\($0.labels["vchan"] ?? "")" }
        }
        halted = channels("halted")
        stuck = channels("stuck")
        let answers = samples("dmascope_scrape_success", in: families)
        sourceCount = answers.count
        let owners = Dictionary(
            samples("dmascope_source", in: families).map {
                (Self.source($0), $0.labels["source_uid"].flatMap(UInt32.init))
            },
            uniquingKeysWith: { first, _ in first })
        for sample in samples("dmascope_scrape_failure", in: families) {
            let (source, reason) = (Self.source(sample), sample.labels["reason"] ?? "")
            let owner = owners[source] ?? nil
            switch reason {
            case TelemetryClientError.Code.untrusted.description: untrusted.append((source.description, owner))
            case TelemetryClientError.Code.permissionDenied.description,
                TelemetryClientError.Code.unreadable.description:
                notPermitted.append((source.description, owner))
            default: failed.append("\(source) (\(reason))")
            }
        }
    }

    private static func source(_ sample: MetricSample) -> TelemetrySource {
        TelemetrySource(
            runDirectory: sample.labels["run_directory"] ?? "", prefix: sample.labels["prefix"] ?? "",
            instance: sample.labels["prefix_instance"].flatMap { Int($0) })
    }

    private static func byLabels<Value>(
        _ samples: [MetricSample], _ value: (MetricValue) -> Value?
    ) -> [LabelSet: Value] {
        Dictionary(
            samples.compactMap { sample in value(sample.value).map { (sample.labels, $0) } },
            uniquingKeysWith: { first, _ in first })
    }

    /// The upper bound of the bucket that contains the percentile; infinite for the last bucket.
    private static func percentile(
        _ part: Double, of now: MetricHistogram, since before: MetricHistogram?
    ) -> Double? {
        let old = before?.buckets.map(\.count) ?? Array(repeating: 0, count: now.buckets.count)
        let isReset = zip(now.buckets, old).contains { $0.count < $1 }
        let counts = isReset ? now.buckets.map(\.count) : zip(now.buckets, old).map { $0.count - $1 }
        let rest = isReset || now.rest < before?.rest ?? 0 ? now.rest : now.rest - (before?.rest ?? 0)
        let count = counts.reduce(rest, &+)
        guard count > 0 else { return nil }
        var seen: UInt64 = 0
        for (bucket, count) in zip(now.buckets, counts) {
            seen &+= count
            if Double(seen) >= part * Double(counts.reduce(rest, &+)) { return bucket.upperBound }
        }
        return .infinity
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
