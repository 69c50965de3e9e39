import ArgumentParser
import CommandSupport
import TraceAnalysis

/// `dmascope trace report`
struct TraceReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Show what a recorded trace says about operations, and which were slow.",
        discussion: """
            Follows every operation of a trace from its call to its end, across processes, and prints by channel: operations, \
            bytes, rates, failures; the time that operations waited for the engine (queued: doorbell to start), were executed \
            (run: start to end), waited for the poll that returned them (notice), and the whole (total); doorbells, batches, \
            fences and the use of the ring; the slowest operations; engines asleep and awake; access groups with their members \
            and what they were denied; the memory of each process; failed calls and why; how often each event is there. A dash \
            (-) means: not in the trace. What is open was so at the trace's end; no event says when a buffer is freed.

            It works with the events of calls (dmadev:copy, dmadev_engine:operation_start, …), with bursts (dmadev:burst, \
            dmadev_engine:completed_burst), and with both. Times are those of events: the event of a call is recorded when \
            the call returns. With completed_burst alone, run is the time of the whole batch. What was lost is said first.

            DIR is what `lttng create` has printed, or any directory above the traces; traces of several sessions are read as \
            one.

            EXAMPLES:
              dmascope trace report ~/lttng-traces/auto-20260101-120000
              dmascope trace report --csv DIR > channels.csv
              dmascope trace report --csv --table denials DIR
              dmascope trace report --html DIR > report.html
            """)

    @Argument(help: ArgumentHelp("Directory of a trace, or above several.", valueName: "dir"))
    var directories: [String]

    @Flag(help: "Print JSON on one line instead of text.")
    var json = false

    @Flag(help: "Print a line of CSV for each channel, after one with the names of the columns.")
    var csv = false

    /// A table of ``TraceReportTable``, or the channels.
    enum Table: String, CaseIterable, ExpressibleByArgument {
        case channels, groups, members, denials, memory, fallbacks
        case failedCalls = "failed_calls"
    }

    @Option(help: "With --csv, print this table: \(Table.allCases.map(\.rawValue).joined(separator: ", ")).")
    var table: Table?

    @Flag(help: "Print one HTML file with pictures, for a browser and for paper.")
    var html = false

    func validate() throws {
        guard [json, csv, html].filter(\.self).count <= 1 else {
            throw ValidationError("--json, --csv and --html exclude each other")
        }
        guard table == nil || csv else { throw ValidationError("--table is for --csv") }
    }

    func run() throws {
        let report = try ReadingProgress.run { update throws(TraceError) in
            try TraceReport(directories, whileTrue: update)
        }
        if json {
            try StandardStreams.print(JSONOutput.compact(TraceReportTree(report).tree))
        } else if csv {
            for loss in report.losses.sentences { StandardStreams.warn("incomplete: \(loss)") }
            try StandardStreams.print(TraceReportTree(report).csv(of: table?.rawValue))
        } else if html {
            for loss in report.losses.sentences { StandardStreams.warn("incomplete: \(loss)") }
            try StandardStreams.print(TraceReportPage(report).text)
        } else {
            try StandardStreams.print(TraceReportText(report).text)
        }
    }
}
