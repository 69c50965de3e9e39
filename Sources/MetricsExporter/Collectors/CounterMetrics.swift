import OpenMetricsText

extension MetricTable {
    /// What channels have done.
    static let counterRows: [MetricRow] = [
        .telemetry(
            "dmadev_operations_submitted", .counter, from: .counters, .statistics, member: "submitted",
            help: "Operations that a doorbell made visible to the engine."),
        .telemetry(
            "dmadev_operations_completed", .counter, from: .counters, .statistics, member: "completed",
            help: "Operations that the engine has finished, failed ones included."),
        .telemetry(
            "dmadev_operation_errors", .counter, from: .counters, .statistics, member: "errors",
            help: "Operations that ended with another status than successful."),
        .telemetry(
            "dmadev_moved_bytes", .counter, unit: "bytes", from: .counters, member: "bytes",
            help: "Bytes that successful operations moved."),
        .telemetry(
            "dmadev_operations", .counter, labels: ["kind"], from: .counters,
            help: "Operations finished, by kind: copy, copy_sg, fill, unknown."
        ) { $0.points(prefix: "ops_", label: "kind") },
        .telemetry(
            "dmadev_operations_by_status", .counter, labels: ["status"], from: .counters,
            help: "Operations finished, by status; successful is one of them."
        ) { $0.points(prefix: "status_", label: "status") },
        .telemetry(
            "dmadev_rejected_enqueues", .counter, from: .counters, member: "rejected_enqueues",
            help: "Enqueues refused because the ring was full."),
        .telemetry(
            "dmadev_doorbells", .counter, from: .counters, member: "doorbells",
            help: "Doorbells that made something visible."),
        .telemetry(
            "dmadev_vchan_ring_high_water", .gauge, from: .counters, member: "occupancy_high_water",
            help: "Most slots of the ring that were in use at a doorbell."),
        .telemetry(
            "dmadev_operation_latency_seconds", .histogram, unit: "seconds", from: .latency,
            help: "Time from the doorbell to the end of the operation. A bound belongs to the bucket above it."
        ) { reply in
            [MetricPoint(LatencyBuckets.histogram(of: reply))]
        },
        .telemetry(
            "dmadev_failed_calls", .counter, from: .failedCall, help: "Calls of the dmadev library that failed."
        ) { reply in
            [MetricPoint(.unsigned(reply.elements.first?.unsigned("number") ?? 0))]
        },
    ]
}

/// The buckets of latencies: one a power of two, which the finer ones of the telemetry reply fit into.
enum LatencyBuckets {
    /// Nanoseconds: 64 ns to 17 s.
    static let bounds: [UInt64] = (6...34).map { 1 << $0 }

    /// The histogram of a reply to `/dmadev/latency`.
    static func histogram(of reply: JSONReader) -> MetricHistogram {
        var buckets = bounds.map { MetricHistogram.Bucket(upperBound: Double($0) / 1e9) }
        var rest: UInt64 = 0
        for bucket in reply.reader("buckets").elements {
            let count = bucket.unsigned("count") ?? 0
            if let bound = bucket.unsigned("below_ns"), let place = bounds.firstIndex(where: { bound <= $0 }) {
                buckets[place].count &+= count
            } else {
                rest &+= count
            }
        }
        return MetricHistogram(
            buckets: buckets, rest: rest, sum: .real(Double(reply.unsigned("sum_ns") ?? 0) / 1e9))
    }
}
