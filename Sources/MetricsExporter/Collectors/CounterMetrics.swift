import DMADev
import OpenMetricsText

/// The members of `struct rte_dma_stats`.
private let statisticsMembers = ["submitted", "completed", "errors"]

extension MetricTable {
    /// The activity of channels: the metrics that `ChannelCounter.table` names, then latency and failed calls.
    static let counterRows: [MetricRow] =
        ChannelCounter.table.reduce(into: [MetricRow]()) { rows, counter in
            guard let metric = counter.metric, !rows.contains(where: { $0.description.name == metric.name }) else {
                return
            }
            let series = ChannelCounter.table.filter { $0.metric?.name == metric.name }.map { counter in
                (member: counter.name, labels: LabelSet(counter.metric?.label.map { [.init($0.name, $0.value)] } ?? []))
            }
            // DPDK's devices have only these three.
            let commands =
                statisticsMembers.contains(counter.name) ? [SourceCommand.counters, .statistics] : [.counters]
            rows.append(
                MetricRow(
                    description: MetricDescription(
                        metric.name, counter.isPeak ? .gauge : .counter, unit: counter.unit == .bytes ? "bytes" : nil,
                        help: counter.help),
                    labels: metric.label.map { [$0.name] } ?? [],
                    origin: .telemetry(commands) { reply in
                        series.compactMap { member, labels in
                            JSONReader(reply).number(member).map { MetricPoint(labels, $0) }
                        }
                    }))
        } + [
            .telemetry(
                "dmadev_polls", .counter, labels: ["result"], from: .counters,
                help: "Polls of an observed device, by whether they found an operation: full, empty."
            ) { reply in
                zip(["full", "empty"], ["full_polls", "empty_polls"]).compactMap { result, member in
                    reply.number(member).map { MetricPoint(["result": result], $0) }
                }
            },
            .telemetry(
                "dmadev_driver_counts_differ", .gauge, from: .counters, member: "driver_counts_differ",
                help:
                    "Whether the statistics of an observed device's driver differ from what was observed (1) or not (0)."
            ),
            .telemetry(
                "dmadev_operation_latency_seconds", .histogram, unit: "seconds", from: .latency,
                help:
                    "Time from the doorbell to the end of the operation. A value equal to a bound is in the bucket above it."
            ) { reply in
                [MetricPoint(LatencyBuckets.histogram(of: reply))]
            },
            .telemetry(
                "dmadev_failed_calls", .counter, from: .failedCallCount,
                help: "Calls of the dmadev library that failed."
            ) { reply in
                reply.number("count").map { [MetricPoint($0)] } ?? []
            },
        ]
}

/// Latency buckets, one for each power of two. Each finer bucket of the telemetry reply lies within one of them.
enum LatencyBuckets {
    /// Upper bounds in nanoseconds: 64 ns to 17 s.
    static let bounds: [UInt64] = (6...34).map { 1 << $0 }

    /// Converts a reply to `/dmadev/latency`.
    ///
    /// Counts that together exceed 64 bits are the greatest number each, and with a count that is not a whole number above
    /// or equal to 0 the sum is no number: neither is a possible histogram.
    static func histogram(of reply: JSONReader) -> MetricHistogram {
        var buckets = bounds.map { MetricHistogram.Bucket(upperBound: Double($0) / 1e9) }
        var rest: UInt64 = 0
        var total = reply.number("sum_ns")?.double ?? 0
        for bucket in reply.reader("buckets").elements {
            let count = bucket.unsigned("count") ?? 0
            if bucket.number("count") != nil, bucket.unsigned("count") == nil { total = .nan }
            if let bound = bucket.unsigned("below_ns"), let index = bounds.firstIndex(where: { bound <= $0 }) {
                buckets[index].count = sum(buckets[index].count, count)
            } else {
                rest = sum(rest, count)
            }
        }
        return MetricHistogram(buckets: buckets, rest: rest, sum: .real(total / 1e9))
    }

    private static func sum(_ one: UInt64, _ other: UInt64) -> UInt64 {
        let (sum, overflow) = one.addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
