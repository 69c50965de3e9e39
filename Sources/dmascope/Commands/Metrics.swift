import ArgumentParser
import LinuxSystem
import MetricsExporter
import OpenMetricsText
import TelemetryClient

/// `dmascope metrics`
struct Metrics: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Collect metrics of every process with DMA devices.",
        discussion: """
            Asks every telemetry socket of the run directories, dmascope's and DPDK's, and prints what `dmascope serve` \
            offers to scrapers. With --output a file is replaced as a whole each time, as the textfile collector of \
            Prometheus's node_exporter wants it: --interval 15 --output /var/lib/node_exporter/dmadev.prom. Formats: \
            prometheus and openmetrics for scrapers; json has an object a line and series, csv a line.
            """)

    @Flag(help: "Collect once, which is the default.")
    var once = false

    @Option(help: ArgumentHelp("Collect again and again, after so many seconds, until Ctrl-C.", valueName: "seconds"))
    var interval: Double?

    @Option(help: "The format.")
    var format = MetricsFormat.prometheus

    @Option(help: ArgumentHelp("Replace this file each time instead of printing.", valueName: "file"))
    var output: String?

    @Flag(help: "Collect nothing, but print the table of all metrics in Markdown.")
    var describe = false

    @OptionGroup var sources: SourceOptions

    func validate() throws {
        guard !once || interval == nil else { throw ValidationError("--once and --interval exclude each other") }
        if let interval, !(0.1...86400).contains(interval) {
            throw ValidationError("--interval takes 0.1 to 86400 seconds")
        }
    }

    func run() throws {
        if describe {
            try StandardStreams.print(MetricTable.markdown, terminator: "")
            return
        }
        let collector = sources.collector(tellsOfItself: false)
        guard let interval else {
            try write(from: collector, isContinued: false)
            return
        }
        let termination = Termination()
        var next = MonotonicTime.now
        var isContinued = false
        repeat {
            try write(from: collector, isContinued: isContinued)
            isContinued = true
            // Rounds that a slow source made late are left out, not made up for.
            repeat { next = next.advanced(by: .seconds(interval)) } while next < .now
        } while !termination.wait(until: next)
    }

    private func write(from collector: MetricsCollector, isContinued: Bool) throws {
        let time = MonotonicTime.wallClockSeconds
        let text: String
        do {
            text = try format.text(
                of: collector.collect(), time: time, isContinued: isContinued && output == nil)
        } catch {
            throw Failure("\(error): end processes, or raise the limit of open files (ulimit -n)")
        }
        if let output {
            try ReplacedFile(path: output).replace(with: text)
        } else {
            try StandardStreams.print(text, terminator: "")
        }
    }
}

extension MetricsFormat: ExpressibleByArgument {}
