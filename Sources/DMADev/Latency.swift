public import CDMADev

/// A histogram of times from doorbell to completion.
public struct Latency: Sendable, Equatable {
    /// A bucket: operations that took less than the bound and not less than the bucket before.
    public struct Bucket: Sendable, Equatable {
        /// Nanoseconds; `nil` for the last bucket, which has no end.
        public let upperBound: UInt64?
        /// Operations.
        public var count: UInt64

        /// A bucket.
        public init(upperBound: UInt64?, count: UInt64) {
            self.upperBound = upperBound
            self.count = count
        }
    }

    /// The buckets, by bound.
    public var buckets: [Bucket]
    /// Nanoseconds over all operations.
    public var sum: UInt64

    /// A histogram.
    public init(buckets: [Bucket] = [], sum: UInt64 = 0) {
        self.buckets = buckets
        self.sum = sum
    }

    /// Operations in all buckets.
    public var count: UInt64 { buckets.reduce(0) { $0 &+ $1.count } }

    /// Nanoseconds that a part of the operations took at most: the bound of the bucket in which it lies.
    ///
    /// - Parameter part: 0 to 1, as 0.99.
    /// - Returns: `nil` when there were no operations, or it lies in the bucket without end.
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

/// The buckets: four a power of two, so that a percentile is known to a quarter of itself; see cdmadev.h.
extension Latency {
    /// How many buckets there are.
    public static let bucketCount = Int(DMADEV_LATENCY_BUCKETS)

    /// The bucket that counts a latency.
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

    /// Nanoseconds that every latency of a bucket is below; the last bucket has no end.
    public static func upperBound(ofBucket bucket: Int) -> UInt64? {
        guard bucket < bucketCount - 1 else { return nil }
        guard bucket > 0 else { return 1 << UInt64(DMADEV_LATENCY_FIRST_OCTAVE) }
        let octave = UInt64(DMADEV_LATENCY_FIRST_OCTAVE) + UInt64(bucket - 1) / 4
        return (1 << octave) / 4 * (5 + UInt64(bucket - 1) % 4)
    }
}
