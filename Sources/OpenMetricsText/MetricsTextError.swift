/// Why metrics cannot be written: a slip of the program that made them, never of the data.
public struct MetricsTextError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The metric.
    public let metric: String
    /// What is wrong and what is allowed, in one sentence.
    public let reason: String

    init(_ metric: String, _ reason: String) {
        self.metric = metric
        self.reason = reason
    }

    /// The metric and the sentence.
    public var description: String { "metric \(metric): \(reason)" }
}
