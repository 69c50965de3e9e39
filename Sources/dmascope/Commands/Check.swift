import ArgumentParser
import LinuxSystem
import MetricsExporter
import OpenMetricsText
import TelemetryClient

/// `dmascope check`
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compare metrics of DMA devices with thresholds, as a monitoring plugin.",
        discussion: """
            Prints one line, with performance data after the bar, and exits with a status that Nagios, Icinga and \
            similar systems understand. A threshold is one range (critical) or two, for example 0.01,0.05 (warning \
            and critical), in the notation of the plugins: 10 means 0 to 10, 10: at least 10, ~:10 at most 10, 10:20 both, \
            and @10:20 outside of 10 to 20; a value outside of the range is reported. The values are those of the worst channel. Counters and \
            latencies are totals since the devices were created, or the increase during --interval.

            EXIT STATUS:
            \(CheckState.help)
            """)

    @Option(
        help: ArgumentHelp(
            "Check only these processes, all that match: PREFIX (the DPDK file prefix), PREFIX:N (its instance N), "
                + "DIRECTORY/PREFIX[:N], or the path of a socket. It is critical if there are none.",
            valueName: "source"))
    var source: String?

    @Option(help: ArgumentHelp("Fewer devices than this are critical.", valueName: "count"))
    var minDevices: Int?

    @Option(
        help: ArgumentHelp(
            "Failed operations divided by completed operations, 0 to 1.", valueName: "[warning,]critical"))
    var maxErrorRatio: Threshold?

    @Option(help: ArgumentHelp("Used part of a descriptor ring, 0 to 1.", valueName: "[warning,]critical"))
    var maxOccupancy: Threshold?

    @Option(
        name: .customLong("max-latency-p99"),
        help: ArgumentHelp(
            "99th percentile of the latency from doorbell to completion, in microseconds.",
            valueName: "[warning,]critical"))
    var maxLatencyP99: Threshold?

    @Option(help: ArgumentHelp("Check the increase during this time, up to 3600.", valueName: "seconds"))
    var interval: Double?

    @OptionGroup var sources: SourceOptions

    func validate() throws {
        if let interval, !(interval > 0 && interval <= 3600) {
            throw ValidationError("--interval takes more than 0 and at most 3600 seconds")
        }
        for (name, threshold) in [("--max-error-ratio", maxErrorRatio), ("--max-occupancy", maxOccupancy)] {
            guard threshold?.isWithin(0...1) ?? true else { throw ValidationError("\(name) takes limits from 0 to 1") }
        }
        if let maxLatencyP99, !maxLatencyP99.isWithin(0...Double.infinity) {
            throw ValidationError("--max-latency-p99 takes limits of 0 or more")
        }
        if let minDevices, minDevices < 0 { throw ValidationError("--min-devices takes 0 or more") }
    }

    func run() throws {
        let report: CheckReport
        do {
            let collector = sources.collector(includesThisProcess: false)
            var earlier: [MetricFamily] = []
            if let interval {
                // SIGINT and SIGTERM keep their default action: they end the process.
                let end = MonotonicTime.now.advanced(by: .seconds(interval))
                earlier = try collector.collect()
                Pause.until(end)
            }
            report = self.report(
                on: CheckFigures(
                    try collector.collect(), since: earlier, selector: source.map(TelemetrySourceSelector.init)))
        } catch {
            report = CheckReport(state: .unknown, sentence: "\(error)")
        }
        try StandardStreams.print(report.text)
        throw ExitCode(report.state.rawValue)
    }

    private func report(on figures: CheckFigures) -> CheckReport {
        var report = CheckReport()
        guard figures.sourceCount > 0 else {
            let what = source.map { "no process matches \($0)" } ?? "no process with a telemetry socket"
            report.addFinding(minDevices ?? 0 > 0 || source != nil ? .critical : .unknown, what)
            return report
        }
        let devices = "\(figures.deviceCount) \(figures.deviceCount == 1 ? "device" : "devices")"
        for failure in figures.failed { report.addFinding(.critical, "no answer from \(failure)") }
        for (source, user) in figures.untrusted {
            let owner = user.map { " of \(UserName.text($0))" } ?? ""
            report.addFinding(.unknown, "\(source)\(owner) is not trusted: see --trust-user")
        }
        for (source, user) in figures.notPermitted {
            report.addFinding(.unknown, "\(source) cannot be read: \(UserName.advice(for: user, "run the check"))")
        }
        for channel in figures.halted { report.addFinding(.critical, "\(channel) is halted") }
        for channel in figures.stuck { report.addFinding(.critical, "\(channel) is stuck") }
        report.add("devices", Double(figures.deviceCount), minDevices.map { "@0:\($0 - 1)" }.map { ";\($0)" } ?? ";")
        if let minDevices, figures.deviceCount < minDevices {
            report.addFinding(.critical, "\(devices), at least \(minDevices) are required")
        }
        report.add(
            "error_ratio", figures.errorRatio, maxErrorRatio, "error ratio", isReported: figures.reportsOperations,
            domain: 0...1)
        report.add("occupancy", figures.occupancy, maxOccupancy, "occupancy", isReported: false, domain: 0...1)
        report.add(
            "latency_p99", figures.latencyP99.map { $0 * 1e6 }, unit: "us", maxLatencyP99, "p99 latency",
            isReported: figures.reportsLatency)
        report.summary =
            "\(devices), \(figures.sourceCount) \(figures.sourceCount == 1 ? "source" : "sources")"
        return report
    }
}
