import ArgumentParser
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

            The parts of --events:
              calls    every call on devices and operations: what was wanted, and what failed
              engine   start and end of each operation, and the engine's sleep: what was done, and when
              bursts   the operations of a doorbell in one event, and their results in another: calls and engine at a tenth of the cost
              groups   access groups: who created, joined, left, and was denied
              memory   buffers, external memory and dma-bufs
            Whatever they are, the events of devices and rings are recorded that `dmascope audit` needs. An event costs some \
            0.1 µs, a burst 0.3 µs and 10 ns for each operation.

            The size of the buffers is printed. Events that find no room there are lost and counted. --device takes a number, as in `dmascope list`, and \
            applies to operations; names are not in their events.

            With a program, signals are passed on to it, and the exit status is the program's: 128 and the number of a \
            signal that ended it, 127 if it is not found, 126 if it cannot be run. With --duration, the recording ends after \
            that time, and the program goes on.

            EXAMPLES:
              dmascope trace record -o TRACE -- dmascope bench --seconds 1
              dmascope trace record --events bursts --device 0:1 --duration 10
            """)

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Write to this directory, which is empty or new; a new one here by default.", valueName: "dir"))
    var output: String?

    @Option(help: ArgumentHelp("Only operations of this device, or channel.", valueName: "number[:vchan]"))
    var device: RecordedChannel?

    @Option(help: ArgumentHelp("What to record: calls, engine, bursts, groups, memory.", valueName: "part,..."))
    var events = CommaList<RecordedEvents>(.calls, .engine, .groups)

    @Option(help: ArgumentHelp("End the recording after this time, 0.1 to 86400.", valueName: "seconds"))
    var duration: Double?

    @Argument(parsing: .postTerminator, help: ArgumentHelp("The program and its arguments.", valueName: "program"))
    var program: [String] = []

    func validate() throws {
        if let duration, !(0.1...86400).contains(duration) {
            throw ValidationError("--duration takes 0.1 to 86400 seconds")
        }
    }

    func run() throws {
        let signals = StatSignals(hasProgram: !program.isEmpty)
        let buffers = try RecordingBuffers()
        let client = try LTTngClient()
        let status: Int32?
        do throws(Failure) {
            status = try record(signals, client, buffers)
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
        _ signals: StatSignals, _ client: LTTngClient, _ buffers: RecordingBuffers
    ) throws(Failure) -> Int32? {
        let session = try RecordingSession(
            client, directory: output, RecordedEvents.Selection(events.elements), device, buffers)
        do throws(Failure) {
            try session.start()
        } catch {
            session.destroy()
            throw error
        }
        let text = StandardStreams.printable("recording to \(session.directory), \(buffers.text)")
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
        let path = StandardStreams.printable(session.directory)
        let bytes = session.byteCount
        if losses.events > 0 || losses.packets > 0 {
            StandardStreams.warn(
                "\(losses.events) events and \(losses.packets) packets were lost: record fewer with --events bursts or "
                    + "--device")
        }
        let text: String
        if bytes == 0 {
            session.removeEmptyDirectories()
            text = "nothing was recorded: no process with DMA devices has run; `dmascope doctor` says what is missing"
        } else {
            text = """
                recorded \(Quantity.bytes(Double(bytes))), lost \(losses.events) events
                  dmascope trace report \(path)
                  dmascope audit \(path)
                  dmascope trace export \(path) -o trace.json
                """
        }
        try show(text)
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
