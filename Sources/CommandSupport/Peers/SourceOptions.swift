import ArgumentParser
import MetricsExporter
import TelemetryClient
import TelemetryWire

/// Which sources metrics are collected from.
package struct SourceOptions: ParsableArguments {
    @OptionGroup package var finder: FinderOptions

    @Option(help: ArgumentHelp("Where to look for the kernel's DMA engines and dma-bufs.", valueName: "directory"))
    package var sysfs = "/sys"

    package init() {}

    /// - Parameters:
    ///   - includesThisProcess: whether the metrics include those of this process
    ///   - ownSocket: the telemetry socket of this process, if it has one
    ///   - web: the counters of this process's web server, if it has one
    package func collector(
        includesThisProcess: Bool, ownSocket: String? = nil, web: WebStatistics? = nil
    ) -> MetricsCollector {
        var configuration = configuration
        configuration.sockets += ownSocket.map(Self.elsewhere) ?? []
        configuration.ownSockets = ownSocket.map { [$0] } ?? []
        configuration.sysfs = sysfs
        configuration.includesProcessMetrics = includesThisProcess
        configuration.web = web
        return MetricsCollector(configuration)
    }

    /// The collector of DMA devices only, for `check`.
    ///
    /// - Parameter selector: the sources that are read; `nil`: all.
    package func collector(of selector: TelemetrySourceSelector?) -> MetricsCollector {
        var configuration = configuration
        configuration.selector = selector
        configuration.includesMachine = false
        configuration.includesProcessMetrics = false
        return MetricsCollector(configuration)
    }

    private var configuration: MetricsCollector.Configuration {
        var configuration = MetricsCollector.Configuration()
        configuration.sockets = finder.socket
        configuration.trust = finder.trustOptions.trust
        configuration.timeout = finder.timeout
        return configuration
    }

    /// The path, if a search of the run directories does not find it: a service manager may have opened the socket anywhere.
    package static func elsewhere(_ path: String) -> [String] {
        TelemetryRunDirectory.candidates.contains { path.hasPrefix($0.applications + "/") } ? [] : [path]
    }
}
