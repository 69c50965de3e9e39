public import CDMADev

/// A histogram of times from doorbell to completion.
public struct Latency: Sendable, Equatable {
    /// Operations that took less than the bound, and at least the bound of the previous bucket.
    public struct Bucket: Sendable, Equatable {
        /// Nanoseconds; `nil`: the last bucket is unbounded.
        public let upperBound: UInt64?
        /// Number of operations.
        public var count: UInt64

        /// Bounds are exclusive.
        public init(upperBound: UInt64?, count: UInt64) {
            self.upperBound = upperBound
            self.count = count
        }
    }

    /// The buckets in increasing order.
    public var buckets: [Bucket]
    /// Sum of all latencies in nanoseconds.
    public var sum: UInt64

    /// Empty by default.
    public init(buckets: [Bucket] = [], sum: UInt64 = 0) {
        self.buckets = buckets
        self.sum = sum
    }

    /// Number of operations in all buckets.
    public var count: UInt64 { buckets.reduce(0) { $0 &+ $1.count } }

    /// The upper bound of the bucket that contains a percentile, in nanoseconds.
    ///
    /// - Parameter part: 0 to 1, for example 0.99.
    /// - Returns: `nil` without operations, or when the percentile is in the unbounded bucket.
    public func percentile(_ part: Double) -> UInt64? {
        let count = count
        guard count > 0 else { return nil }
        let rank = max(1, (part * Double(count)).rounded(.up))
        var seen: UInt64 = 0
        for bucket in buckets {
            seen &+= bucket.count
            if Double(seen) >= rank { return bucket.upperBound }
        }
        return nil
    }
}

/// Four buckets per power of two, so that a percentile has an error of at most a quarter; see cdmadev.h.
extension Latency {
    /// `DMADEV_LATENCY_BUCKETS`.
    public static let bucketCount = Int(DMADEV_LATENCY_BUCKETS)

    /// The index of the bucket for a latency.
    @inlinable
    @inline(__always)
    public static func bucket(of nanoseconds: UInt64) -> Int {
        let first = Int(DMADEV_LATENCY_FIRST_OCTAVE)
        guard nanoseconds >> UInt64(first) != 0 else { return 0 }
        let octave = 63 - nanoseconds.leadingZeroBitCount
        guard octave < first + Int(DMADEV_LATENCY_OCTAVES) else { return Int(DMADEV_LATENCY_BUCKETS) - 1 }
        let quarter = Int(truncatingIfNeeded: nanoseconds >> UInt64(octave - 2)) & 3
        return 1 + (octave - first) * 4 + quarter
    }

    /// The exclusive upper bound in nanoseconds; `nil` for the last bucket.
    public static func upperBound(ofBucket bucket: Int) -> UInt64? {
        guard bucket < bucketCount - 1 else { return nil }
        guard bucket > 0 else { return 1 << UInt64(DMADEV_LATENCY_FIRST_OCTAVE) }
        let octave = UInt64(DMADEV_LATENCY_FIRST_OCTAVE) + UInt64(bucket - 1) / 4
        return (1 << octave) / 4 * (5 + UInt64(bucket - 1) % 4)
    }
}
