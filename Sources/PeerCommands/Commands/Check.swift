import ArgumentParser
import CommandSupport
import Glibc
import LinuxSystem
import MetricsExporter
import OpenMetricsText
import TelemetryClient
import TelemetryWire

/// `dmascope check`
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Compare metrics of DMA devices with thresholds, as a monitoring plugin.",
        discussion: """
            Prints one line, with performance data after the bar, and exits with a status that Nagios, Icinga and \
            similar systems understand. Channels that are halted or stuck and sources that do not answer are always reported.

            A threshold is one range (critical) or two, for example 0.01,0.05 (warning and critical), in the notation of \
            the plugins: 10 means 0 to 10, 10: at least 10, ~:10 at most 10, 10:20 both, and @10:20 outside of 10 to 20; a \
            value outside of the range is reported. Every channel is compared, and the worst one is named. For one \
            figure: --figure latency-p99 -w 100 -c 1000.

            Ratios, latencies and rates are those of the time between two looks, one second by default (--interval). \
            With --interval 0 the check looks once: they are totals since the devices were created, which hide present \
            trouble, there are no rates, and a channel of a DPDK application is never found stuck.

            EXIT STATUS:
            \(CheckState.help)

            EXAMPLES:
              dmascope check --source dmascope --min-devices 2 --max-error-ratio 0.001,0.01
              dmascope check --figure operations-per-second -w 1000: -c 1: --interval 5
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

    @Option(help: "The only figure that is compared and shown: that of --warning and --critical.")
    var figure: CheckFigure?

    @Option(name: .shortAndLong, help: ArgumentHelp("The range of --figure without a warning.", valueName: "range"))
    var warning: MonitoringRange?

    @Option(name: .shortAndLong, help: ArgumentHelp("The range of --figure that is not critical.", valueName: "range"))
    var critical: MonitoringRange?

    @Option(
        help: ArgumentHelp(
            "A channel is stuck if operations are in flight and none has finished for this time. By default, dmascope's "
                + "processes decide it (`serve --stuck-after`, one second). For a DPDK application, --interval must be as "
                + "long, or the state is unknown.", valueName: "seconds"))
    var stuck: Double?

    @Option(
        help: ArgumentHelp(
            "Compare what happens in this time, up to 3600; 0: look once, and compare totals.", valueName: "seconds"))
    var interval = 1.0

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "The state is unknown if there is no result by then; the default is 10 seconds more than --interval.",
            valueName: "seconds"))
    var timeout: Double?

    @Flag(help: "Add performance data of every channel: monitoring systems cut outputs beyond some kilobytes.")
    var perChannel = false

    @Flag(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Print more: -v all problems and the summary in the line, -vv a line for each source and channel, -vvv also what "
                + "was compared, and how long each source took."))
    var verbose: Int

    @OptionGroup var sources: SourceOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard interval >= 0, interval <= 3600 else { throw ValidationError("--interval takes 0 to 3600 seconds") }
        if let timeout {
            guard timeout > 0, timeout <= 86400 else {
                throw ValidationError("--timeout takes more than 0 and at most 86400 seconds")
            }
            guard timeout > interval else { throw ValidationError("--timeout must be longer than --interval") }
        }
        if let stuck, !(stuck > 0 && stuck <= 86400) {
            throw ValidationError("--stuck takes more than 0 and at most 86400 seconds")
        }
        if let minDevices, minDevices < 0 { throw ValidationError("--min-devices takes 0 or more") }
        guard figure != nil || (warning == nil && critical == nil) else {
            throw ValidationError("--warning and --critical need --figure")
        }
        if figure == .operations, interval == 0 {
            throw ValidationError("operations-per-second needs an --interval above 0")
        }
        guard figure == nil || named.isEmpty else {
            throw ValidationError("--figure excludes \(named.map(\.option).joined(separator: " and "))")
        }
        guard warning == nil && critical == nil || figureThreshold != nil else {
            throw ValidationError("no value could be a warning: --critical must contain the range of --warning")
        }
        for (figure, option, threshold) in named + [(figure ?? .devices, "--figure", figureThreshold)] {
            guard threshold?.isWithin(figure.domain) ?? true else {
                throw ValidationError("\(option) takes limits \(figure.domainText)")
            }
        }
    }

    private var figureThreshold: Threshold? { Threshold(warning: warning, critical: critical) }

    /// The thresholds that have options of their own.
    private var named: [(figure: CheckFigure, option: String, threshold: Threshold?)] {
        let least = minDevices.flatMap { Threshold(warning: nil, critical: MonitoringRange("\($0):")) }
        return [
            (.devices, "--min-devices", least), (.errorRatio, "--max-error-ratio", maxErrorRatio),
            (.occupancy, "--max-occupancy", maxOccupancy), (.latencyP99, "--max-latency-p99", maxLatencyP99),
        ].filter { $0.2 != nil }
    }

    func run() throws {
        let limit = timeout ?? interval + 10
        let output = output
        let deadline = try CheckTimeout(seconds: limit) { report in
            try? output.print(json: report.json, text: report.text())
        }
        var report: CheckReport
        do {
            report = try self.report()
        } catch {
            report = CheckReport(state: .unknown, sentence: "\(error)")
        }
        // If the time is over, the other thread is about to end the process.
        guard deadline.claim() else { while true { pause() } }
        try output.print(json: report.json, text: report.text(verbosity: verbose))
        throw ExitCode(report.state.rawValue)
    }

    private func report() throws(TelemetryClientError) -> CheckReport {
        let collector = sources.collector(of: source.map(TelemetrySourceSelector.init))
        var earlier: [MetricFamily] = []
        var start = MonotonicTime.now
        if interval > 0 {
            earlier = try collector.collect()
            // Counted from the end of the first look, so that the time between two looks at a channel is not shorter. SIGINT
            // and SIGTERM keep their default action: they end the process.
            start = .now
            Pause.until(start.advanced(by: .seconds(interval)))
        }
        let seconds = interval > 0 ? Double(MonotonicTime.now.nanoseconds(since: start)) / 1e9 : 0
        let now = try collector.collect()
        let figures = CheckFigures(now, since: earlier, seconds: seconds)
        if let source, figures.sources.isEmpty {
            var report = CheckReport()
            let all = CheckFigures(try sources.collector(of: nil).collect()).sources
            let nearest = Suggestion.text(for: source, among: all.map(\.name.prefix))
            report.addFinding(.critical, "no process matches \(source)\(nearest)")
            return report
        }
        return report(on: figures, seconds: seconds)
    }

    private func report(on figures: CheckFigures, seconds: Double) -> CheckReport {
        var report = CheckReport()
        guard !figures.sources.isEmpty else {
            report.addFinding(minDevices ?? 0 > 0 ? .critical : .unknown, "no process with a telemetry socket")
            return report
        }
        func count(_ number: Int, _ word: String) -> String { "\(number) \(word)\(number == 1 ? "" : "s")" }
        let devices = count(figures.deviceCount, "device")
        report.summary = "\(devices), \(count(figures.sources.count, "source"))"
        report.addDetail(
            3, "version \(DmascopeVersion.number), looked \(interval > 0 ? "twice in \(interval) s" : "once")")
        for source in figures.sources { report.add(source) }
        for source in figures.sourcesReadOnce { report.addFinding(.unknown, "\(source) answered only the second time") }
        for channel in figures.channels { report.add(channel, stuckAfter: stuck, seconds: seconds) }

        var thresholds = Dictionary(named.map { ($0.figure, $0.threshold) }, uniquingKeysWith: { first, _ in first })
        if let figure { thresholds[figure] = figureThreshold }
        for figure in CheckFigure.allCases where self.figure ?? figure == figure {
            let threshold = thresholds[figure] ?? nil
            if let threshold { report.addDetail(3, "threshold of \(figure.rawValue): \(threshold.text)") }
            if figure == .devices, let minDevices, figures.deviceCount < minDevices {
                report.add(figure, Double(figures.deviceCount), threshold)
                report.addFinding(.critical, "\(devices), at least \(minDevices) are required")
                continue
            }
            report.judge(
                figure, figures.values(of: figure).map { ($0.value, $0.channel?.text) }, threshold,
                isReported: figures.isReported(figure))
            // Where no process reports it, one finding says so.
            if threshold != nil, figures.isReported(figure) {
                for source in figures.sourcesWithout(figure) {
                    report.addFinding(.unknown, "\(source) does not report the \(figure.words)")
                }
            }
            guard perChannel else { continue }
            for channel in figures.channels {
                // The threshold of the rate is about all channels together.
                if let value = channel.value(of: figure) {
                    report.add(figure, of: channel.label, value, figure == .operations ? nil : threshold)
                }
            }
        }
        report.add("channels", .array(figures.channels.map { $0.json(stuckAfter: stuck, seconds: seconds) }))
        report.add("sources", .array(figures.sources.map(\.json)))
        return report
    }
}

extension CheckReport {
    /// Adds what is wrong with a source.
    fileprivate mutating func add(_ source: CheckedSource) {
        addDetail(2, "source \(source.name): \(source.failure ?? "answers")")
        addDetail(3, "time of \(source.name): \(decimal(source.seconds * 1000, places: 1)) ms")
        guard let failure = source.failure else { return }
        switch failure {
        case TelemetryClientError.Code.untrusted.description:
            let owner = source.user.map { " of \(UserName.text($0))" } ?? ""
            addFinding(.unknown, "\(source.name)\(owner) is not trusted: see --trust-user")
        case TelemetryClientError.Code.permissionDenied.description,
            TelemetryClientError.Code.unreadable.description:
            addFinding(
                .unknown, "\(source.name) cannot be read: \(UserName.advice(for: source.user, "run the check"))")
        default: addFinding(.critical, "no answer from \(source.name) (\(failure))")
        }
    }

    /// Adds what is wrong with a channel.
    fileprivate mutating func add(_ channel: CheckedChannel, stuckAfter limit: Double?, seconds: Double) {
        let values = CheckFigure.allCases.compactMap { figure in
            channel.value(of: figure).map { "\(figure.words) \(decimal($0, places: 3))\(figure.unit)" }
        }
        addDetail(2, (["channel \(channel.text): \(channel.state ?? "-")"] + values).joined(separator: ", "))
        if channel.state == "halted" {
            addFinding(.critical, "\(channel.text) is halted")
        } else {
            switch channel.progress(stuckAfter: limit, seconds: seconds) {
            case .stuck: addFinding(.critical, "\(channel.text) is stuck")
            case .unknown:
                addFinding(.unknown, "whether \(channel.text) is stuck needs an --interval as long as --stuck")
            case .moves: break
            }
        }
        if channel.isMiscounted {
            addFinding(.warning, "the driver of \(channel.text) counts other operations than were observed")
        }
        for sentence in channel.impossibilities { addFinding(.unknown, "\(channel.text) \(sentence)") }
    }
}

extension CheckedSource {
    fileprivate var json: JSONTree {
        .object([
            .init("run_directory", .string(name.runDirectory)), .init("prefix", .string(name.prefix)),
            .init("instance", name.instance.map { .integer(Int64($0)) } ?? .null),
            .init("failure", failure.map(JSONTree.string) ?? .null),
            .init("uid", user.map { .integer(Int64($0)) } ?? .null), .init("seconds", .double(seconds)),
        ])
    }
}

extension CheckedChannel {
    fileprivate func json(stuckAfter limit: Double?, seconds: Double) -> JSONTree {
        func number(_ value: Double?) -> JSONTree { value.flatMap { $0.isFinite ? .double($0) : nil } ?? .null }
        func id(_ label: String) -> JSONTree { Int64(label).map(JSONTree.integer) ?? .null }
        let isStuck: JSONTree =
            switch progress(stuckAfter: limit, seconds: seconds) {
            case .stuck: .bool(true)
            case .moves: .bool(false)
            case .unknown: .null
            }
        return .object(
            [
                .init("run_directory", .string(key.source.runDirectory)), .init("prefix", .string(key.source.prefix)),
                .init("instance", key.source.instance.map { .integer(Int64($0)) } ?? .null),
                .init("id", id(key.device)), .init("name", .string(key.name)), .init("vchan", id(key.vchan)),
                .init("state", state.map(JSONTree.string) ?? .null), .init("stuck", isStuck),
            ]
                + CheckFigure.allCases.filter { $0 != .devices }.map {
                    JSONTree.Member($0.label, number(value(of: $0)))
                })
    }
}
