import MachineInventory
public import OpenMetricsText
import TelemetryWire

/// The description of one metric and the origin of its values.
public struct MetricRow: Sendable {
    /// Name, type, unit and help.
    public let description: MetricDescription
    /// The labels of its series, in addition to those that all series of its origin have.
    let labels: [String]
    let origin: Origin

    /// The source of a metric's values.
    enum Origin: Sendable {
        /// A reply of each telemetry source, to the first of these commands that it offers.
        case telemetry([SourceCommand], @Sendable (JSONTree) -> [MetricPoint])
        /// The results of one collection from all sources.
        case scrape(@Sendable (ScrapeRound) -> [MetricPoint])
        /// The resources of this process, from `/proc/self`.
        case process(@Sendable (ProcessFigures) -> [MetricPoint])
        /// The statistics of the web server of this process.
        case web(@Sendable (WebStatistics) -> [MetricPoint])
        /// The DMA engines of the kernel, from `/sys`.
        case kernel(@Sendable (KernelEngines) -> [MetricPoint])
        /// The dma-bufs of the machine, from `/proc` and `/sys`.
        case buffers(@Sendable (DMABufferInventory) -> [MetricPoint])
    }

    /// Whether its samples have a creation time (`_created` in OpenMetrics).
    var isCounted: Bool { [.counter, .histogram].contains(description.kind) }

    /// All labels of its series, in the order of the text formats.
    public var allLabels: [String] {
        guard case .telemetry(let commands, _) = origin, let command = commands.first else { return labels }
        return command.scope.labels + labels
    }
}

/// A value and the labels that its ``MetricRow`` names.
struct MetricPoint: Sendable, Equatable {
    let labels: LabelSet
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
