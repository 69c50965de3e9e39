import ArgumentParser
import CommandSupport
import Glibc
import LinuxSystem
import SystemPackage

/// `dmascope trace record`
struct TraceRecordCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "record",
        abstract: "Record what happens on DMA devices, for a report, an audit, or a viewer.",
        discussion: """
            Records with LTTng while a program runs, or until Ctrl-C, in a session of its own, which is removed at the end. \
            All processes that LTTng's session daemon reaches are recorded, also those that run already, so that an \
            operation is followed from a program to its controller: of the superuser's daemon, the processes of all users; \
            else those of this user. If no daemon runs, one is started, and stopped at the end.

            The parts of --events, what they answer, and what recording them costs the program:
            \(RecordedEvents.help)
            Whatever they are, the events of devices and rings are recorded that `dmascope audit` needs. `dmascope trace list` names the events of \
            each part, and where the costs are from.

            The size of the buffers is printed. Events that find no room there are lost and counted.

            --device applies to operations. It takes a number, of the devices with that number in all processes, or a name: \
            that of a device of a process that runs now, which `dmascope ps` shows, because events of operations have \
            numbers only. The device of a program that is started here has none yet.

            With a program, signals are passed on to it, and the exit status is the program's: 128 and the number of a \
            signal that ended it, 127 if it is not found, 126 if it cannot be run. With --duration, the recording ends after \
            that time, and the program goes on.

            EXAMPLES:
              dmascope trace record -o TRACE -- dmascope bench --seconds 1
              dmascope trace record --events bursts --device dma0:1 --duration 10
            """)

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Write to this directory, which is empty or new; a new one here by default.", valueName: "dir"))
    var output: String?

    @Option(
        help: ArgumentHelp(
            "Only operations of this device, or channel, by name or number.", valueName: "device[:vchan]"))
    var device: RecordedChannel?

    @Option(help: ArgumentHelp("What to record: calls, engine, bursts, groups, memory.", valueName: "part,..."))
    var events = CommaList<RecordedEvents>(.calls, .engine, .groups)

    @Option(help: ArgumentHelp("End the recording after this time, 0.1 to 86400.", valueName: "seconds"))
    var duration: Double?

    @OptionGroup var finder: FinderOptions

    @Argument(parsing: .postTerminator, help: ArgumentHelp("The program and its arguments.", valueName: "program"))
    var program: [String] = []

    func validate() throws {
        if let duration, !(0.1...86400).contains(duration) {
            throw ValidationError("--duration takes 0.1 to 86400 seconds")
        }
        guard output != "" else { throw ValidationError("--output takes the name of a directory") }
    }

    func run() throws {
        let signals = StatSignals(hasProgram: !program.isEmpty)
        let filter = try device?.filter(finder, startsProgram: !program.isEmpty)
        let buffers = try RecordingBuffers()
        let client = try LTTngClient()
        let status: Int32?
        do throws(Failure) {
            status = try record(signals, client, buffers, filter)
        } catch {
            client.stopDaemon()
            throw error
        }
        client.stopDaemon()
        // Not as an error: whatever the program's status is, it says nothing about this command line.
        if let status { Glibc.exit(status) }
    }

    /// Returns the program's exit status.
    private func record(
        _ signals: StatSignals, _ client: LTTngClient, _ buffers: RecordingBuffers, _ filter: RecordingFilter?
    ) throws(Failure) -> Int32? {
        let session = try RecordingSession(
            client, directory: output, RecordedEvents.Selection(events.elements), filter, buffers)
        do throws(Failure) {
            try session.start()
        } catch {
            session.destroy()
            throw error
        }
        let channel = filter.map { "\($0.text) " } ?? ""
        let text = StandardStreams.printable("recording \(channel)to \(session.directory), \(buffers.text)")
        do throws(Failure) {
            try show(program.isEmpty && duration == nil ? text + "; Ctrl-C ends it" : text)
        } catch {
            session.destroy()
            throw error
        }
        var child: MeasuredProgram?
        if !program.isEmpty {
            // A program waits until the daemon has told it what to record.
            setenv("LTTNG_UST_REGISTER_TIMEOUT", "-1", 0)
            do throws(Errno) {
                child = try MeasuredProgram(program)
            } catch {
                session.destroy()
                session.removeEmptyDirectories()
                StandardStreams.reportError("cannot run \(program[0]): \(error): check its name and PATH")
                return error == .noSuchFileOrDirectory ? 127 : 126
            }
        }
        let end = duration.map { MonotonicTime.now.advanced(by: .seconds($0)) }
        Self.wait(for: child, until: end, signals)
        var failure: Failure?
        do throws(Failure) {
            try summarize(session, try session.end())
        } catch {
            failure = error
        }
        Self.wait(for: child, until: nil, signals, isOver: child == nil)
        guard let child else {
            if let failure { throw failure }
            return nil
        }
        if let failure { StandardStreams.reportError(failure.message) }
        return child.exitStatus()
    }

    /// Returns when the program has ended, or at that time; without a program, also at a signal.
    private static func wait(
        for child: MeasuredProgram?, until end: MonotonicTime?, _ signals: StatSignals, isOver: Bool = false
    ) {
        var isOver = isOver || child?.hasEnded ?? false
        while !isOver {
            let next = end ?? MonotonicTime.now.advanced(by: .seconds(3600))
            switch signals.wait(until: next) {
            case .signal(let number, let isFromTerminal)?:
                if let child {
                    if !isFromTerminal { child.send(number) }
                } else {
                    isOver = true
                }
            case .child?: break
            case nil: isOver = end.map { $0 <= .now } ?? false
            }
            if child?.hasEnded ?? false { isOver = true }
        }
    }

    private func summarize(
        _ session: RecordingSession, _ losses: (events: UInt64, packets: UInt64)
    ) throws(Failure) {
        let bytes = session.byteCount
        if losses.events > 0 || losses.packets > 0 {
            StandardStreams.warn(
                "\(losses.events) events and \(losses.packets) packets were lost: record fewer with --events bursts or "
                    + "--device")
        }
        guard bytes > 0 else {
            session.removeEmptyDirectories()
            return try show(
                "nothing was recorded: no process with DMA devices has run; `dmascope doctor` says what is missing")
        }
        guard !session.isDiskFull else {
            throw Failure(
                "the disk with \(session.directory) is full, so that the trace is not complete, and maybe cannot be read: "
                    + "remove it, and choose another --output, or record less with --events bursts or --device")
        }
        let path = ShellWord.quoted(session.directory)
        try show(
            """
            recorded \(Quantity.bytes(Double(bytes))), lost \(losses.events) events
              dmascope trace report \(path)
              dmascope audit \(path)
              dmascope trace export \(path) -o trace.json
            """)
    }

    /// Standard output is the program's.
    private func show(_ text: String) throws(Failure) {
        if program.isEmpty {
            try StandardStreams.print(text)
        } else {
            StandardStreams.show(text + "\n")
        }
    }
}
