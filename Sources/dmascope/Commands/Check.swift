import ArgumentParser
import LinuxSystem
import MetricsExporter
import OpenMetricsText
import TelemetryClient

/// `dmascope check`
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compare what DMA devices do with thresholds, as a plugin of a monitoring system.",
        discussion: """
            Prints one line, with performance data behind the bar, and ends with a status that Nagios, Icinga and others \
            understand. A threshold is one number, above which it is critical, or two, as 0.01,0.05: warning and \
            critical. Figures are those of the worst channel; counters and latencies are taken since devices were made, \
            or over an --interval.

            EXIT STATUS:
            \(CheckState.help)
            """)

    @Option(
        help: ArgumentHelp(
            "Look only at processes with this DPDK file prefix, which have to be there.", valueName: "prefix"))
    var source: String?

    @Option(help: ArgumentHelp("Fewer devices are critical.", valueName: "count"))
    var minDevices: Int?

    @Option(help: ArgumentHelp("Failed operations of all that completed, 0 to 1.", valueName: "[warning,]critical"))
    var maxErrorRatio: Threshold?

    @Option(help: ArgumentHelp("Part of a ring that is in use, 0 to 1.", valueName: "[warning,]critical"))
    var maxOccupancy: Threshold?

    @Option(
        name: .customLong("max-latency-p99"),
        help: ArgumentHelp(
            "Microseconds that 99 of 100 operations may take from doorbell to end.", valueName: "[warning,]critical"))
    var maxLatencyP99: Threshold?

    @Option(help: ArgumentHelp("Look at what comes in so many seconds, up to 3600.", valueName: "seconds"))
    var interval: Double?

    @OptionGroup var sources: SourceOptions

    func validate() throws {
        if let interval, !(interval > 0 && interval <= 3600) {
            throw ValidationError("--interval takes more than 0 and at most 3600 seconds")
        }
        if let minDevices, minDevices < 0 { throw ValidationError("--min-devices takes 0 or more") }
    }

    func run() throws {
        let report: CheckReport
        do {
            let collector = sources.collector(tellsOfItself: false)
            var earlier: [MetricFamily] = []
            if let interval {
                // SIGINT and SIGTERM end the wait as they end any program.
                let end = MonotonicTime.now.advanced(by: .seconds(interval))
                earlier = try collector.collect()
                Pause.until(end)
            }
            report = self.report(on: CheckFigures(try collector.collect(), since: earlier, prefix: source))
        } catch {
            report = CheckReport(state: .unknown, sentence: "\(error)")
        }
        try StandardStreams.print(report.text)
        throw ExitCode(report.state.rawValue)
    }

    private func report(on figures: CheckFigures) -> CheckReport {
        var report = CheckReport()
        guard figures.sourceCount > 0 else {
            let what = source.map { "no process with the file prefix \($0)" } ?? "no process with a telemetry socket"
            report.note(minDevices ?? 0 > 0 || source != nil ? .critical : .unknown, what)
            return report
        }
        for failure in figures.failed { report.note(.critical, "no answer of \(failure)") }
        for channel in figures.halted { report.note(.critical, "\(channel) is halted") }
        report.add("devices", Double(figures.deviceCount), minDevices.map { "@0:\($0 - 1)" }.map { ";\($0)" } ?? ";")
        if let minDevices, figures.deviceCount < minDevices {
            report.note(.critical, "\(figures.deviceCount) devices, at least \(minDevices) are wanted")
        }
        report.add("error_ratio", figures.errorRatio, maxErrorRatio, "error ratio")
        report.add("occupancy", figures.occupancy, maxOccupancy, "occupancy")
        report.add("latency_p99", figures.latencyP99.map { $0 * 1e6 }, unit: "us", maxLatencyP99, "p99 latency")
        report.summary =
            "\(figures.deviceCount) devices, \(figures.sourceCount) \(figures.sourceCount == 1 ? "source" : "sources")"
        return report
    }
}
