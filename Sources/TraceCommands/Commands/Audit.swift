import ArgumentParser
import CommandSupport
import TraceAnalysis

/// `dmascope audit`
struct Audit: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Compare the events of a trace with the counters of its channels.",
        discussion: """
            Follows every operation of a recorded trace from its call to its end, across processes, and compares, by \
            channel: each operation has one doorbell and one end, no ring index is missing or twice, and operations, \
            failures, aborts, bytes and values of the latency histogram are those that the ring had at its end. With \
            --against, also those that the process reports, for devices that still run.

            The result is right, wrong, or inconclusive: as soon as anything was discarded or overwritten, or the \
            recording began in the middle, a difference says nothing. DIR is what `lttng create` has printed, or any \
            directory above the traces; traces of several sessions are read as one.

            The exit status is 0 if right, 6 if wrong, 7 if inconclusive; the others are in `dmascope --help`.

            EXAMPLES:
              dmascope audit ~/lttng-traces/auto-20260101-120000
              dmascope audit DIR --against /run/dpdk/dmascope
            """)

    @Argument(help: ArgumentHelp("Directory of a trace, or above several.", valueName: "dir"))
    var directories: [String]

    @Option(
        help: ArgumentHelp(
            "Compare with the counters of a process: its telemetry socket, or DPDK file prefix; or a file that `dmascope "
                + "stats --json` has written.", valueName: "socket|file"))
    var against: String?

    @OptionGroup var trustOptions: TrustOptions
    @OptionGroup var timeoutOption: TimeoutOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        var counters: [AuditCounters] = []
        if let against {
            counters = try CounterSource(against, trustOptions.trust, timeoutOption.duration).counters()
            guard !counters.isEmpty else {
                throw Failure("\(against) has no counters of channels: no device is configured", status: .missing)
            }
        }
        var audit = try ReadingProgress.run { update throws(TraceError) in
            try TraceAudit(directories, whileTrue: update)
        }
        audit.conclude(against: counters)
        let report = AuditText(audit)
        try output.print(json: report.json, text: report.text)
        switch audit.verdict {
        case .right: return
        case .wrong: throw Failure("", status: .different)
        case .inconclusive: throw Failure("", status: .inconclusive)
        }
    }
}
