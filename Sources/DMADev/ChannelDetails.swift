internal import CDMADev

/// All counters of a virtual channel since its device was made. They only grow.
public struct ChannelDetails: Sendable, Equatable {
    /// Submitted, completed, errors.
    public var statistics: Statistics
    /// Bytes moved by successful operations.
    public var bytes: UInt64
    /// Operations finished, by kind.
    public var copies, scatterGatherCopies, fills: UInt64
    /// Descriptors that asked for nothing known.
    public var unknownOperations: UInt64
    /// Operations finished, by status; those that never came are 0.
    public var statuses: [CompletionStatus: UInt64]
    /// Enqueues refused because the ring was full.
    public var rejected: UInt64
    /// Doorbells that made something visible.
    public var doorbells: UInt64
    /// Most slots in use at a doorbell.
    public var highWater: UInt64
    /// Time from doorbell to completion.
    public var latency: Latency

    /// A reading.
    public init(
        statistics: Statistics = Statistics(), bytes: UInt64 = 0, copies: UInt64 = 0, scatterGatherCopies: UInt64 = 0,
        fills: UInt64 = 0, unknownOperations: UInt64 = 0, statuses: [CompletionStatus: UInt64] = [:],
        rejected: UInt64 = 0, doorbells: UInt64 = 0, highWater: UInt64 = 0, latency: Latency = Latency()
    ) {
        self.statistics = statistics
        self.bytes = bytes
        self.copies = copies
        self.scatterGatherCopies = scatterGatherCopies
        self.fills = fills
        self.unknownOperations = unknownOperations
        self.statuses = statuses
        self.rejected = rejected
        self.doorbells = doorbells
        self.highWater = highWater
        self.latency = latency
    }

    /// A reading of the counters that an engine keeps: `struct dmadev_counters`.
    ///
    /// - Parameters:
    ///   - kinds: operations finished, by `DMADEV_KIND_*`.
    ///   - failures: operations finished, by `DMADEV_STATUS_*`: the order of ``CompletionStatus/table``. Its first place,
    ///     the successful ones, is not looked at: they are what the others leave of `statistics.completed`.
    public init(
        statistics: Statistics, bytes: UInt64, kinds: [UInt64], failures: [UInt64], rejected: UInt64,
        doorbells: UInt64, highWater: UInt64, latency: Latency
    ) {
        let failed = zip(CompletionStatus.table, failures).dropFirst().filter { $0.1 > 0 }
        var statuses = Dictionary(uniqueKeysWithValues: failed.map { ($0.0.status, $0.1) })
        let sum = failed.reduce(0) { $0 &+ $1.1 }
        if statistics.completed > sum { statuses[.successful] = statistics.completed - sum }
        self.init(
            statistics: statistics, bytes: bytes, copies: kinds[Int(DMADEV_KIND_COPY)],
            scatterGatherCopies: kinds[Int(DMADEV_KIND_COPY_SG)], fills: kinds[Int(DMADEV_KIND_FILL)],
            unknownOperations: kinds[0], statuses: statuses, rejected: rejected, doorbells: doorbells,
            highWater: highWater, latency: latency)
    }

    /// The sum of two channels; the high-water mark is the larger one.
    public static func + (left: ChannelDetails, right: ChannelDetails) -> ChannelDetails {
        ChannelDetails(
            statistics: left.statistics + right.statistics, bytes: left.bytes &+ right.bytes,
            copies: left.copies &+ right.copies,
            scatterGatherCopies: left.scatterGatherCopies &+ right.scatterGatherCopies,
            fills: left.fills &+ right.fills, unknownOperations: left.unknownOperations &+ right.unknownOperations,
            statuses: left.statuses.merging(right.statuses, uniquingKeysWith: &+),
            rejected: left.rejected &+ right.rejected, doorbells: left.doorbells &+ right.doorbells,
            highWater: max(left.highWater, right.highWater), latency: left.latency + right.latency)
    }
}

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

    /// The buckets, by bound; fixed per driver.
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

    static func + (left: Latency, right: Latency) -> Latency {
        guard !left.buckets.isEmpty else { return right }
        guard !right.buckets.isEmpty else { return left }
        return Latency(
            buckets: zip(left.buckets, right.buckets).map {
                Bucket(upperBound: $0.upperBound, count: $0.count &+ $1.count)
            }, sum: left.sum &+ right.sum)
    }
}
