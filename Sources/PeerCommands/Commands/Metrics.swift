import ArgumentParser
import CommandSupport
import LinuxSystem
import MetricsExporter
import OpenMetricsText
import TelemetryClient

/// `dmascope metrics`
struct Metrics: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metrics",
        abstract: "Collect metrics of every process with DMA devices.",
        discussion: """
            Queries every telemetry socket in the run directories, dmascope's and DPDK's, and prints the same metrics \
            that `dmascope serve` exports. With --output a file is replaced atomically each time, as the textfile \
            collector of node_exporter requires: --interval 15 --output /var/lib/node_exporter/dmadev.prom. If a later \
            collection cannot be written, a warning says so, and the next one is tried. Formats: prometheus and \
            openmetrics for scrapers; json has one object per line and series, csv one line per series.
            """)

    @Flag(help: "Collect once (the default).")
    var once = false

    @Option(help: ArgumentHelp("Collect repeatedly at this interval, until Ctrl-C.", valueName: "seconds"))
    var interval: Double?

    @Option(help: "The format; the default is prometheus.")
    var format: MetricsFormat?

    @Flag(help: "The same as --format json.")
    var json = false

    @Option(help: ArgumentHelp("Replace this file each time instead of printing.", valueName: "file"))
    var output: String?

    @Option(
        help: ArgumentHelp(
            "The mode of the file of --output, in octal. The default is the one that the file has; for a new file, 0644.",
            valueName: "mode"))
    var mode: FileMode?

    @Flag(help: "Print the table of all metrics in Markdown and collect nothing.")
    var describe = false

    @OptionGroup var sources: SourceOptions

    func validate() throws {
        guard !once || interval == nil else { throw ValidationError("--once and --interval exclude each other") }
        if let interval, !(0.1...86400).contains(interval) {
            throw ValidationError("--interval takes 0.1 to 86400 seconds")
        }
        guard !json || format == nil || format == .json else {
            throw ValidationError("--json and --format exclude each other")
        }
        guard mode == nil || output != nil else { throw ValidationError("--mode is about the file of --output") }
    }

    func run() throws {
        if describe {
            try StandardStreams.print(MetricTable.markdown, terminator: "")
            return
        }
        let collector = sources.collector(includesThisProcess: false)
        guard let interval else {
            try write(from: collector, isContinued: false)
            return
        }
        let termination = Termination()
        var next = MonotonicTime.now
        var isContinued = false
        var isFailing = false
        repeat {
            do {
                try write(from: collector, isContinued: isContinued)
                if isFailing { StandardStreams.warn("\(output ?? "standard output") is written again") }
                (isContinued, isFailing) = (true, false)
            } catch let failure as Failure where isContinued && output != nil {
                // Once for all failures in a row.
                if !isFailing {
                    StandardStreams.warn(
                        "\(failure.message); trying again every \(Quantity.time(nanoseconds: interval * 1e9))")
                }
                isFailing = true
            }
            // Rounds that a slow source has delayed are skipped.
            repeat { next = next.advanced(by: .seconds(interval)) } while next < .now
        } while !termination.wait(until: next)
    }

    private func write(from collector: MetricsCollector, isContinued: Bool) throws {
        let time = MonotonicTime.wallClockSeconds
        let text: String
        do {
            text = try (json ? .json : format ?? .prometheus).text(
                of: collector.collect(), time: time, isContinued: isContinued && output == nil)
        } catch {
            throw Failure("\(error): end other processes, or raise the limit of open files (ulimit -n)")
        }
        if let output {
            try ReplacedFile(path: output, mode: mode).replace(with: text)
        } else {
            try StandardStreams.print(text, terminator: "")
        }
    }
}

extension MetricsFormat: ExpressibleByArgument {}
