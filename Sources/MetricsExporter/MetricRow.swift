public import OpenMetricsText
import TelemetryWire

/// One metric: what it is called, and where its values come from.
public struct MetricRow: Sendable {
    /// Name, type, unit and help.
    public let description: MetricDescription
    /// The labels that tell its series apart, beyond those that all series of its origin have.
    let labels: [String]
    /// Where the values come from.
    let origin: Origin

    /// Where values come from.
    enum Origin: Sendable {
        /// Every telemetry source, by the first of these commands that it offers.
        case telemetry([SourceCommand], @Sendable (JSONTree) -> [MetricPoint])
        /// How the sources were asked.
        case scrape(@Sendable (ScrapeRound) -> [MetricPoint])
        /// This process itself.
        case process(@Sendable (ProcessFigures) -> [MetricPoint])
        /// The web server of this process.
        case web(@Sendable (WebStatistics) -> [MetricPoint])
        /// The kernel's DMA engines.
        case kernel(@Sendable (KernelEngines) -> [MetricPoint])
    }

    /// Whether its values have a time at which they began to count.
    var isCounted: Bool { [.counter, .histogram].contains(description.kind) }

    /// All labels of its series, in order.
    public var allLabels: [String] {
        guard case .telemetry(let commands, _) = origin, let command = commands.first else { return labels }
        return command.scope.labels + labels
    }
}

/// A value with the labels of its own.
struct MetricPoint: Sendable, Equatable {
    /// The labels that the row names.
    let labels: LabelSet
    /// The value.
    let value: MetricValue

    init(_ labels: LabelSet = [:], _ value: MetricNumber) {
        self.labels = labels
        self.value = .number(value)
    }

    init(_ labels: LabelSet, _ histogram: MetricHistogram) {
        self.labels = labels
        value = .histogram(histogram)
    }
}
