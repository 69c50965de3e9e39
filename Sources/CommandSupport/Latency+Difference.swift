import DMADev
import TelemetryWire

extension Latency {
    /// A histogram from a reply to `/dmadev/latency`, which leaves out empty buckets.
    package init(_ reply: JSONTree) {
        let buckets = reply["buckets"]?.elements.map {
            Bucket(upperBound: $0["below_ns"]?.unsigned, count: $0["count"]?.unsigned ?? 0)
        }
        self.init(buckets: buckets ?? [], sum: reply["sum_ns"]?.unsigned ?? 0)
    }

    /// The sum of several channels' histograms.
    package static func total(of parts: [Latency]) -> Latency {
        var counts: [UInt64?: UInt64] = [:]
        for bucket in parts.flatMap(\.buckets) { counts[bucket.upperBound, default: 0] &+= bucket.count }
        let bounds = counts.keys.sorted { $0 ?? .max < $1 ?? .max }
        return Latency(
            buckets: bounds.map { Bucket(upperBound: $0, count: counts[$0] ?? 0) },
            sum: parts.reduce(0) { $0 &+ $1.sum })
    }

    /// The operations that were added since an earlier reading of the same histogram; either may lack empty buckets.
    package func since(_ earlier: Latency) -> Latency {
        var before: [UInt64?: UInt64] = [:]
        for bucket in earlier.buckets { before[bucket.upperBound] = bucket.count }
        return Latency(
            buckets: buckets.map { bucket in
                let old = before[bucket.upperBound] ?? 0
                return Bucket(upperBound: bucket.upperBound, count: bucket.count - min(bucket.count, old))
            }, sum: sum - min(sum, earlier.sum))
    }
}
