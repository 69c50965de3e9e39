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

/// A telemetry command that is asked for metrics.
struct SourceCommand: Sendable, Hashable {
    /// How often a command is asked.
    enum Scope: Sendable, Hashable {
        /// Once a process.
        case process
        /// Once a device; the device is its first parameter.
        case device
        /// Once a virtual channel; device and channel are its parameters.
        case vchan

        /// The labels of its series.
        var labels: [String] {
            switch self {
            case .process: ScrapeSource.labelNames
            case .device: SourceCommand.Scope.process.labels + ["device", "name"]
            case .vchan: SourceCommand.Scope.device.labels + ["vchan"]
            }
        }
    }

    /// The command's path, as `/dmadev/info`.
    let path: String
    /// How often it is asked.
    let scope: Scope
    /// What follows the path, when it is asked once a process.
    let parameters: String?
    /// Members of its reply that only grow: a smaller one tells that the source began to count anew.
    let witnesses: [String]

    init(_ path: String, _ scope: Scope, parameters: String? = nil, witnesses: [String] = []) {
        self.path = path
        self.scope = scope
        self.parameters = parameters
        self.witnesses = witnesses
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
