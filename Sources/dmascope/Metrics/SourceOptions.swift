import ArgumentParser
import LivePage
import MetricsExporter
import TelemetryWire

/// Which sources metrics are collected from.
struct SourceOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Collect from these telemetry sockets in addition to the run directories; * and ? are wildcards.",
            valueName: "pattern"))
    var socket: [String] = []

    @OptionGroup var trustOptions: TrustOptions

    @Option(help: ArgumentHelp("Time limit for all answers of a source.", valueName: "seconds"))
    var scrapeTimeout = 1.0

    @Option(help: ArgumentHelp("Where to look for the kernel's DMA engines.", valueName: "directory"))
    var sysfs = "/sys"

    func validate() throws {
        guard scrapeTimeout > 0, scrapeTimeout <= 3600 else {
            throw ValidationError("--scrape-timeout takes more than 0 and at most 3600 seconds")
        }
    }

    /// - Parameters:
    ///   - includesThisProcess: whether the metrics include those of this process
    ///   - ownSocket: the telemetry socket of this process, if it has one
    ///   - web: the counters of this process's web server, if it has one
    func collector(
        includesThisProcess: Bool, ownSocket: String? = nil, web: WebStatistics? = nil
    ) -> MetricsCollector {
        var configuration = MetricsCollector.Configuration()
        configuration.sockets = socket
        configuration.trust = trustOptions.trust
        configuration.timeout = .seconds(scrapeTimeout)
        configuration.ownSockets = ownSocket.map { [$0] } ?? []
        configuration.sysfs = sysfs
        configuration.includesProcessMetrics = includesThisProcess
        configuration.web = web
        return MetricsCollector(configuration)
    }

    /// The collector for the live page.
    ///
    /// - Parameter ownSocket: the telemetry socket of this process.
    func snapshots(ownSocket: String) -> SnapshotCollector {
        var configuration = SnapshotCollector.Configuration()
        configuration.sockets = socket
        configuration.trust = trustOptions.trust
        configuration.timeout = .seconds(scrapeTimeout)
        configuration.ownSockets = [ownSocket]
        return SnapshotCollector(configuration)
    }
}
