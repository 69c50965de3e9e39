internal import DMADev
internal import TelemetryWire

extension DeviceCommands {
    /// `/dmadev/latency,ID[,VCHAN]` and `/dmadev/latency,ID,FIRST,COUNT`: the histogram of times from doorbell to
    /// completion, in nanoseconds.
    static func latency(_ registry: DeviceRegistry) -> TelemetryCommand {
        countersCommand(
            "/dmadev/latency", help: "Returns the histogram of nanoseconds from doorbell to completion. ", registry
        ) { counters, reply in
            let latency = counters.latency
            reply.set("count", latency.count)
            reply.set("sum_ns", latency.sum)
            // A percentile is the upper bound of its bucket; null without operations.
            for (name, part) in [("p50_ns", 0.5), ("p90_ns", 0.9), ("p99_ns", 0.99), ("p99_9_ns", 0.999)] {
                reply.set(name: name, latency.percentile(part).map { JSONValue($0) } ?? JSONValue())
            }
            var buckets = JSONValue.array()
            for bucket in latency.buckets where bucket.count > 0 {
                var row = JSONValue.object()
                row.set("below_ns", bucket.upperBound.map { JSONValue($0) } ?? JSONValue())
                row.set("count", bucket.count)
                buckets.append(row)
            }
            reply.set("buckets", buckets)
        }
    }
}
