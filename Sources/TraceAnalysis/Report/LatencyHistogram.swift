/// Counts of times by their size, in buckets that are at most 3.2 % wide, so that memory does not grow with their number.
public struct LatencyHistogram: Sendable {
    /// Bits of a value that tell its bucket from the others of the same power of two.
    private static let precision = 5
    /// Grows with the largest value, to 1,920 buckets at most.
    private var counts: [UInt64] = []
    /// How many values.
    public private(set) var count: UInt64 = 0
    /// Their sum, in nanoseconds; wraps after 584 years.
    public private(set) var sum: UInt64 = 0
    /// The largest value; 0 without any.
    public private(set) var maximum: UInt64 = 0

    /// Without values.
    public init() {}

    /// Adds a number of nanoseconds, that often.
    public mutating func add(_ value: UInt64, times: UInt64 = 1) {
        let bucket = Self.bucket(of: value)
        if bucket >= counts.count { counts += Array(repeating: 0, count: bucket + 1 - counts.count) }
        counts[bucket] += times
        count += times
        sum &+= value &* times
        if value > maximum { maximum = value }
    }

    /// The value below or at which a part of all values is: the upper end of its bucket, and at most the maximum.
    ///
    /// - Parameter part: 0 to 1.
    /// - Returns: `nil` without values.
    public func quantile(_ part: Double) -> UInt64? {
        guard count > 0 else { return nil }
        let wanted = max(1, UInt64((part * Double(count)).rounded(.up)))
        var seen: UInt64 = 0
        for (bucket, number) in counts.enumerated() {
            seen += number
            if seen >= wanted { return min(Self.upperEnd(of: bucket), maximum) }
        }
        return maximum
    }

    /// The mean; `nil` without values.
    public var mean: Double? { count > 0 ? Double(sum) / Double(count) : nil }

    /// The buckets with values: upper end in nanoseconds, and count.
    public var buckets: [(upTo: UInt64, count: UInt64)] {
        counts.enumerated().filter { $0.element > 0 }.map { (Self.upperEnd(of: $0.offset), $0.element) }
    }

    /// Values below 64 have a bucket each; above, a bucket has the first six bits of a value in common.
    private static func bucket(of value: UInt64) -> Int {
        let exponent = max(0, 63 - value.leadingZeroBitCount - precision)
        return (exponent << precision) + Int(truncatingIfNeeded: value >> UInt64(exponent))
    }

    private static func upperEnd(of bucket: Int) -> UInt64 {
        let exponent = max(0, (bucket >> precision) - 1)
        let first = UInt64(bucket - (exponent << precision))
        return ((first + 1) << UInt64(exponent)) &- 1
    }
}
