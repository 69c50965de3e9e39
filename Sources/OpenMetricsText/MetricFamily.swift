/// One metric with all of its series: the lines that belong to one `# TYPE` line.
public struct MetricFamily: Sendable, Equatable {
    /// Name, type, unit and help.
    public let description: MetricDescription
    /// The series, in the order in which they are written. Of two with the same labels only the first one is written.
    public var samples: [MetricSample]

    /// A family without samples is not written.
    public init(_ description: MetricDescription, samples: [MetricSample] = []) {
        self.description = description
        self.samples = samples
    }
}

/// The description of a metric: name, type, unit and help.
public struct MetricDescription: Sendable, Hashable {
    /// The supported types of OpenMetrics.
    public enum Kind: String, Sendable, CaseIterable {
        /// Only increases, or starts again at 0 with a new creation time.
        case counter
        /// Increases and decreases.
        case gauge
        /// Counts observations in buckets.
        case histogram
        /// Text as labels; the value is always 1.
        case info
    }

    /// The name, with its unit but without the suffix that the type adds (`_total`, `_bucket`, `_info`):
    /// `[a-zA-Z_:][a-zA-Z0-9_:]*`.
    public let name: String
    /// The type.
    public let kind: Kind
    /// The unit (`seconds`, `bytes`, `ratio`); `name` must end in it. `nil` for plain numbers.
    public let unit: String?
    /// One sentence; any text is allowed.
    public let help: String

    /// Nothing is checked before the metric is written; see ``problem``.
    public init(_ name: String, _ kind: Kind, unit: String? = nil, help: String) {
        self.name = name
        self.kind = kind
        self.unit = unit
        self.help = help
    }

    /// The name to use in queries: with `_total` or `_info` if the type adds it.
    public var seriesName: String { name + kind.suffix }
}

extension MetricDescription.Kind {
    /// What the type adds to the name.
    var suffix: String {
        switch self {
        case .counter: "_total"
        case .info: "_info"
        case .gauge, .histogram: ""
        }
    }
}

/// One series of a metric at one point in time.
public struct MetricSample: Sendable, Equatable {
    /// Distinguishes the series from the others of the metric.
    public let labels: LabelSet
    /// Of a kind that fits the metric's type, else the sample is not written.
    public let value: MetricValue
    /// When a counter or a histogram began to count, in seconds since 1970; `nil` if unknown, and for other types.
    public let created: Double?

    /// Nothing is checked before the sample is written.
    public init(_ labels: LabelSet, _ value: MetricValue, created: Double? = nil) {
        self.labels = labels
        self.value = value
        self.created = created
    }
}

/// A value. The metric's type determines which case is valid.
public enum MetricValue: Sendable, Equatable {
    /// Of a counter, a gauge, or an info (whose value is always written as 1).
    case number(MetricNumber)
    /// Of a histogram.
    case histogram(MetricHistogram)
}

extension MetricValue {
    /// Whether a metric of this type can have the value: a count is finite and not below 0, and the counts of a
    /// histogram together are less than 2^64.
    public func isPossible(for kind: MetricDescription.Kind) -> Bool {
        switch (kind, self) {
        case (.counter, .number(let number)): number.double >= 0 && number.double.isFinite
        case (.gauge, .number), (.info, .number): true
        case (.histogram, .histogram(let histogram)):
            histogram.hasPossibleCounts && histogram.sum.double >= 0
                && histogram.sum.double.isFinite
        default: false
        }
    }
}

/// A number, exact where it is an integer.
public enum MetricNumber: Sendable, Equatable {
    /// An integer that is not negative.
    case unsigned(UInt64)
    /// Any integer.
    case signed(Int64)
    /// Any number, including infinities and NaN.
    case real(Double)

    /// The number, rounded if a `Double` cannot represent it.
    public var double: Double {
        switch self {
        case .unsigned(let value): Double(value)
        case .signed(let value): Double(value)
        case .real(let value): value
        }
    }

    /// The number in the notation of both formats.
    public var text: String {
        switch self {
        case .unsigned(let value): "\(value)"
        case .signed(let value): "\(value)"
        case .real(let value):
            if value.isNaN { "NaN" } else if value.isInfinite { value < 0 ? "-Inf" : "+Inf" } else { "\(value)" }
        }
    }
}

/// Observations, counted in buckets by size.
public struct MetricHistogram: Sendable, Equatable {
    /// Observations above the previous bucket's bound, up to and including this one's.
    public struct Bucket: Sendable, Equatable {
        /// The greatest value that belongs to this bucket.
        public let upperBound: Double
        /// Observations in this bucket alone, not cumulative.
        public var count: UInt64

        /// An empty bucket unless a count is given.
        public init(upperBound: Double, count: UInt64 = 0) {
            self.upperBound = upperBound
            self.count = count
        }
    }

    /// The buckets, by ascending bound; the one without a bound is `rest`.
    public var buckets: [Bucket]
    /// Observations above the last bound.
    public var rest: UInt64
    /// The sum of all observations, in the metric's unit.
    public var sum: MetricNumber

    /// Buckets must be in ascending order of their bounds.
    public init(buckets: [Bucket], rest: UInt64 = 0, sum: MetricNumber) {
        self.buckets = buckets
        self.rest = rest
        self.sum = sum
    }

    /// Whether the number of all observations fits into 64 bits.
    var hasPossibleCounts: Bool {
        var sum = rest
        for bucket in buckets {
            let (next, overflow) = sum.addingReportingOverflow(bucket.count)
            if overflow { return false }
            sum = next
        }
        return true
    }

    /// The number of all observations.
    public var count: UInt64 { buckets.reduce(rest) { $0 &+ $1.count } }
}
