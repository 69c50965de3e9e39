import OpenMetricsText

/// The figures that a check looks at, out of a collection, or of what came between two.
struct CheckFigures {
    /// The worst of all channels; `nil` when no channel has done anything.
    private(set) var errorRatio: Double?
    /// The worst of all channels; `nil` when no process tells.
    private(set) var occupancy: Double?
    /// Seconds, the worst of all channels: the bound that 99 of 100 operations did not exceed.
    private(set) var latencyP99: Double?
    private(set) var deviceCount = 0
    private(set) var sourceCount = 0
    /// Channels that are halted, by device and number.
    private(set) var halted: [String] = []
    /// Sources that gave no answer, with the reason.
    private(set) var failed: [String] = []

    /// - Parameters:
    ///   - earlier: a collection from before; counters are what was added since. Empty: since they began.
    ///   - prefix: the only file prefix that counts; `nil`: all do.
    init(_ families: [MetricFamily], since earlier: [MetricFamily] = [], prefix: String? = nil) {
        func samples(_ name: String, in families: [MetricFamily]) -> [MetricSample] {
            (families.first { $0.description.name == name }?.samples ?? []).filter {
                prefix == nil || $0.labels["prefix"] == prefix
            }
        }
        func values(_ name: String) -> [LabelSet: Double] {
            Self.byLabels(samples(name, in: families), \.number)
                .merging(Self.byLabels(samples(name, in: earlier), \.number)) { max($0 - $1, 0) }
        }
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
        halted = samples("dmadev_vchan_state", in: families)
            .filter { $0.labels["state"] == "halted_error" && $0.value.number == 1 }
            .map { "\($0.labels["name"] ?? ""):\($0.labels["vchan"] ?? "")" }
        let answers = samples("dmascope_scrape_success", in: families)
        sourceCount = answers.count
        failed = samples("dmascope_scrape_failure", in: families).map {
            "\($0.labels["prefix"] ?? "") (\($0.labels["reason"] ?? ""))"
        }
    }

    private static func byLabels<Value>(
        _ samples: [MetricSample], _ value: (MetricValue) -> Value?
    ) -> [LabelSet: Value] {
        Dictionary(
            samples.compactMap { sample in value(sample.value).map { (sample.labels, $0) } },
            uniquingKeysWith: { first, _ in first })
    }

    /// The bound of the bucket in which a part of the observations ends; infinite for the bucket without bound.
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
    /// The number, of what is no histogram.
    fileprivate var number: Double? {
        if case .number(let number) = self { number.double } else { nil }
    }

    /// The histogram.
    fileprivate var histogram: MetricHistogram? {
        if case .histogram(let histogram) = self { histogram } else { nil }
    }
}
