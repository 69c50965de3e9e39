internal import CDMADev

/// The buckets of the latency histogram: four a power of two, so that a percentile is known to a quarter of itself.
public enum LatencyHistogram {
    /// How many buckets there are.
    public static let bucketCount = Int(DMADEV_LATENCY_BUCKETS)

    /// The bucket that counts a latency.
    @inline(__always)
    public static func bucket(of nanoseconds: UInt64) -> Int {
        let first = Int(DMADEV_LATENCY_FIRST_OCTAVE)
        guard nanoseconds >> UInt64(first) != 0 else { return 0 }
        let octave = 63 - nanoseconds.leadingZeroBitCount
        guard octave < first + Int(DMADEV_LATENCY_OCTAVES) else { return bucketCount - 1 }
        let quarter = Int(truncatingIfNeeded: nanoseconds >> UInt64(octave - 2)) & 3
        return 1 + (octave - first) * 4 + quarter
    }

    /// Nanoseconds that every latency of a bucket is below; the last bucket has no end.
    public static func upperBound(of bucket: Int) -> UInt64? {
        guard bucket < bucketCount - 1 else { return nil }
        guard bucket > 0 else { return 1 << UInt64(DMADEV_LATENCY_FIRST_OCTAVE) }
        let octave = UInt64(DMADEV_LATENCY_FIRST_OCTAVE) + UInt64(bucket - 1) / 4
        return (1 << octave) / 4 * (5 + UInt64(bucket - 1) % 4)
    }
}
