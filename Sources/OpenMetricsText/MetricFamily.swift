/// One metric with all of its series: what stands below one `# TYPE` line.
public struct MetricFamily: Sendable, Equatable {
    /// What the metric is.
    public let description: MetricDescription
    /// Its series, in the order in which they are written. Of two with the same labels the first one is.
    public var samples: [MetricSample]

    /// A metric.
    public init(_ description: MetricDescription, samples: [MetricSample] = []) {
        self.description = description
        self.samples = samples
    }
}

/// What a metric is, whatever its values are.
public struct MetricDescription: Sendable, Hashable {
    /// The types of OpenMetrics that are offered.
    public enum Kind: String, Sendable, CaseIterable {
        /// Only grows, or starts again at 0 with a new time of creation.
        case counter
        /// Goes up and down.
        case gauge
        /// Observations, counted in buckets.
        case histogram
        /// Text about something, as labels.
        case info
    }

    /// The name without the suffix that a type adds (`_total`, `_bucket`, `_info`), but with its unit:
    /// `[a-zA-Z_:][a-zA-Z0-9_:]*`.
    public let name: String
    /// The type.
    public let kind: Kind
    /// The unit, in which `name` must end: `seconds`, `bytes`, `ratio`. `nil` for counts of things.
    public let unit: String?
    /// One sentence for people; any text.
    public let help: String

    /// A description. Nothing is checked before it is written.
    public init(_ name: String, _ kind: Kind, unit: String? = nil, help: String) {
        self.name = name
        self.kind = kind
        self.unit = unit
        self.help = help
    }

    /// The name under which a query finds its values: with `_total` or `_info` where its type adds one.
    public var seriesName: String {
        switch kind {
        case .counter: name + "_total"
        case .info: name + "_info"
        case .gauge, .histogram: name
        }
    }
}

/// One series of a metric at one moment.
public struct MetricSample: Sendable, Equatable {
    /// What tells it from the others of its metric.
    public let labels: LabelSet
    /// Its value.
    public let value: MetricValue
    /// Since when a counter or a histogram counts, in seconds since 1970; `nil` when that is not known, and for others.
    public let created: Double?

    /// A sample.
    public init(_ labels: LabelSet, _ value: MetricValue, created: Double? = nil) {
        self.labels = labels
        self.value = value
        self.created = created
    }
}

/// A value; which one fits is said by the type of the metric.
public enum MetricValue: Sendable, Equatable {
    /// Of a counter, a gauge, or an info (whose value is always written as 1).
    case number(MetricNumber)
    /// Of a histogram.
    case histogram(MetricHistogram)
}

/// A number, exact where it is an integer.
public enum MetricNumber: Sendable, Equatable {
    /// An integer from 0 on.
    case unsigned(UInt64)
    /// Any integer.
    case signed(Int64)
    /// Any number, the infinities and NaN included.
    case real(Double)

    /// The number, rounded where a `Double` cannot hold it.
    public var double: Double {
        switch self {
        case .unsigned(let value): Double(value)
        case .signed(let value): Double(value)
        case .real(let value): value
        }
    }

    /// The number as both formats write it.
    public var text: String {
        switch self {
        case .unsigned(let value): "\(value)"
        case .signed(let value): "\(value)"
        case .real(let value):
            if value.isNaN { "NaN" } else if value.isInfinite { value < 0 ? "-Inf" : "+Inf" } else { "\(value)" }
        }
    }
}

/// Observations, counted by size.
public struct MetricHistogram: Sendable, Equatable {
    /// Observations that are not above the bound, and above that of the bucket before.
    public struct Bucket: Sendable, Equatable {
        /// The largest observation that is counted here.
        public let upperBound: Double
        /// Observations of this bucket alone.
        public var count: UInt64

        /// A bucket.
        public init(upperBound: Double, count: UInt64 = 0) {
            self.upperBound = upperBound
            self.count = count
        }
    }

    /// The buckets, by rising bound; the one without bound is `rest`.
    public var buckets: [Bucket]
    /// Observations above the last bound.
    public var rest: UInt64
    /// The sum of all observations, in the metric's unit.
    public var sum: MetricNumber

    /// A histogram.
    public init(buckets: [Bucket], rest: UInt64 = 0, sum: MetricNumber) {
        self.buckets = buckets
        self.rest = rest
        self.sum = sum
    }

    /// All observations.
    public var count: UInt64 { buckets.reduce(rest) { $0 &+ $1.count } }
}
