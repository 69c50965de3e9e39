import ArgumentParser
import CommandSupport
import Glibc
import Synchronization
import TraceAnalysis

/// `dmascope trace export`
struct TraceExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Convert a recorded trace for a viewer of traces.",
        discussion: """
            Writes Chrome's trace-event JSON, which https://ui.perfetto.dev and chrome://tracing open. For each channel: \
            every operation with the time that it was queued, executed (run), and waited for its poll (notice); doorbells \
            and polls; what its engine does; arrows from a doorbell over the engine to the poll; operations in the ring, and \
            bytes. For each engine: when it sleeps. Control calls, failed calls, and events of access groups and memory are \
            marks in the row "control" of their process, or in the one of their channel.

            Times are microseconds since the first event, whose time is in otherData. With completed_burst alone, the \
            operations of a batch have the run of the whole batch. An operation takes some 1.4 kB.

            What the trace has lost is said on standard error, and in otherData. A file is complete or not there: it is \
            written beside its place and renamed. Standard output gets valid JSON also after Ctrl-C.

            EXAMPLES:
              dmascope trace export DIR -o trace.json
              dmascope trace export DIR --device dma0:1 | gzip > trace.json.gz
            """)

    /// The formats.
    enum Format: String, CaseIterable, ExpressibleByArgument {
        case chrome
    }

    @Argument(help: ArgumentHelp("Directory of a trace, or above several.", valueName: "dir"))
    var directories: [String]

    @Option(help: "The format of the output.")
    var format = Format.chrome

    @Option(
        name: .shortAndLong, help: ArgumentHelp("Write to this file instead of standard output.", valueName: "file"))
    var output: String?

    @Option(
        help: ArgumentHelp(
            "Only the channels of this device, by its name or number, or one of them; and the engines.",
            valueName: "name[:vchan]"))
    var device: String?

    func run() throws {
        let termination = Termination()  // before there is a temporary file
        StandardStreams.reportFullFilesAsErrors()
        guard output != nil || !StandardStreams.outputIsTerminal else {
            throw Failure("standard output is a terminal: name a file with --output, or redirect it", status: .usage)
        }
        let destination = try ExportDestination(output)
        let interruption = ExportInterruption(temporary: destination.temporaryFile)
        try termination.forEach(interruption.take)
        let export = try ReadingProgress.show { update throws(TraceError) in
            try convert(directories, device.map(ChannelSelector.init), destination) { count in
                interruption.status == nil && update(count)
            }
        }
        try destination.check()
        if let status = interruption.status { throw ReadingProgress.interruption(status) }
        for loss in export.losses.sentences { StandardStreams.warn("incomplete: \(loss)") }
        if let device, export.channelCount == 0 {
            let names = export.channelNames.isEmpty ? "none" : export.channelNames.joined(separator: ", ")
            throw Failure("the trace has no channel \(device): it has \(names)", status: .missing)
        }
        try destination.complete()
        if let output {
            try StandardStreams.print(
                StandardStreams.printable("\(export.operationCount) operations in \(output)")
                    + ": open it with https://ui.perfetto.dev")
        }
    }

    private func convert(
        _ paths: [String], _ selector: ChannelSelector?, _ destination: ExportDestination, _ goOn: (UInt64) -> Bool
    ) throws(TraceError) -> ChromeTraceExport {
        switch format {
        case .chrome: try ChromeTraceExport(paths, of: selector, whileTrue: goOn, to: destination.write)
        }
    }
}

/// The end of an export by a signal. To standard output, what was read is written to an end that makes valid JSON; a file
/// that is not complete is removed at once.
private final class ExportInterruption: Sendable {
    private let temporary: String?
    private let hasBegun = Atomic(false)
    private let received = Atomic<Int32>(0)

    init(temporary: String?) {
        self.temporary = temporary
    }

    /// The exit status after a signal. To be called for every event, from the first one on.
    var status: ExitStatus? {
        hasBegun.store(true, ordering: .relaxed)
        return ExitStatus(rawValue: received.load(ordering: .relaxed)).flatMap { $0 == .success ? nil : $0 }
    }

    /// Takes a signal, in a thread of its own. The second one ends the process in any case.
    func take(_ status: ExitStatus) {
        if temporary == nil, hasBegun.load(ordering: .relaxed),
            received.exchange(status.rawValue, ordering: .relaxed) == 0
        {
            return
        }
        if let temporary { unlink(temporary) }
        ReadingProgress.endProcess(status)
    }
}
