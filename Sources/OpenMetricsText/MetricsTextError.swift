/// Why metrics cannot be written: a programming error, never caused by data.
public struct MetricsTextError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The metric's name.
    public let metric: String
    /// What is wrong and what is allowed, in one sentence.
    public let reason: String

    init(_ metric: String, _ reason: String) {
        self.metric = metric
        self.reason = reason
    }

    /// The metric and the reason.
    public var description: String { "metric \(metric): \(reason)" }
}
