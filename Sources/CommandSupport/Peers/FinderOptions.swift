import ArgumentParser
import MetricsExporter
import TelemetryClient
import TelemetryWire

/// The telemetry sockets that are read where a command is about every process, and how long each may take.
package struct FinderOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Collect from these telemetry sockets in addition to the run directories; * and ? are wildcards.",
            valueName: "pattern"))
    package var socket: [String] = []

    @OptionGroup package var trustOptions: TrustOptions

    @Option(help: ArgumentHelp("Time limit for all answers of a source.", valueName: "seconds"))
    var scrapeTimeout = 1.0

    package init() {}

    package func validate() throws {
        guard scrapeTimeout > 0, scrapeTimeout <= 3600 else {
            throw ValidationError("--scrape-timeout takes more than 0 and at most 3600 seconds")
        }
    }

    package var timeout: Duration { .seconds(scrapeTimeout) }

    /// Finds the sources in the run directories and those of `--socket`.
    package var finder: SourceFinder {
        SourceFinder(
            directories: TelemetryRunDirectory.candidates, patterns: socket, trust: trustOptions.trust, first: [])
    }
}
