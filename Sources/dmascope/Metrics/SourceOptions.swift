import ArgumentParser
import LivePage
import MetricsExporter
import TelemetryWire

/// Which sources metrics are collected from.
struct SourceOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Collect from these telemetry sockets too, beside those of the run directories; * and ? are wildcards.",
            valueName: "pattern"))
    var socket: [String] = []

    @Option(help: ArgumentHelp("How long a source may take for all of its answers.", valueName: "seconds"))
    var scrapeTimeout = 1.0

    @Option(help: ArgumentHelp("Where the kernel's DMA engines are looked for.", valueName: "directory"))
    var sysfs = "/sys"

    func validate() throws {
        guard scrapeTimeout > 0, scrapeTimeout <= 3600 else {
            throw ValidationError("--scrape-timeout takes more than 0 and at most 3600 seconds")
        }
    }

    /// - Parameters:
    ///   - tellsOfItself: whether figures of this process are among the metrics
    ///   - web: what its web server counts, if it has one
    func collector(tellsOfItself: Bool, web: WebStatistics? = nil) -> MetricsCollector {
        var configuration = MetricsCollector.Configuration()
        configuration.sockets = socket
        configuration.timeout = .seconds(scrapeTimeout)
        configuration.sysfs = sysfs
        configuration.includesProcessMetrics = tellsOfItself
        configuration.web = web
        return MetricsCollector(configuration)
    }

    /// What the live page asks.
    var snapshots: SnapshotCollector {
        var configuration = SnapshotCollector.Configuration()
        configuration.sockets = socket
        configuration.timeout = .seconds(scrapeTimeout)
        return SnapshotCollector(configuration)
    }
}
