import ArgumentParser
import CommandSupport
import Glibc
import SystemPackage
import TelemetryClient

/// `dmascope stat`
struct Stat: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stat",
        abstract: "Show what DMA devices do while a program runs.",
        discussion: """
            Runs a program, or waits for Ctrl-C, and prints what has happened in between on the channels of all processes with \
            DMA devices, the program's own included: operations, bytes, failures by status, latencies of these operations, the \
            most used slots of the ring, and how busy the engines were. Rates are per second of the whole time. A dash (-) \
            means: not reported; DPDK applications report the operations only. ≥ before a number of slots: the mark of an \
            earlier time was not exceeded, and readings found this.

            All processes are read at the start, at the end, and in between (--sample), so that those that come and go are \
            counted: a process that has ended is shown with what was last read, and when. What it did after that cannot be \
            had, nor can anything of one that ran between two readings.

            With a program the result goes to standard error, else to standard output. Signals are passed on to the \
            program, and the exit status is the program's: 128 and the number of a signal that ended it, 127 if it is not \
            found, 126 if it cannot be run.

            EXAMPLES:
              dmascope stat -- dmascope bench --seconds 1
              dmascope stat -I 1 --source dmascope
            """)

    @Option(
        name: [.customShort("I"), .customLong("interval")],
        help: ArgumentHelp("Also print what happens in each interval of this time, 0.1 to 86400.", valueName: "seconds")
    )
    var interval: Double?

    @Option(
        help: ArgumentHelp(
            "Time between readings, 0.01 to 3600; a tenth of it for new processes and the program. It grows when readings of "
                + "all would take more than a tenth of a processor, and those of the new ones more than a quarter.",
            valueName: "seconds"))
    var sample = 0.05

    @Option(
        help: ArgumentHelp(
            "Only these processes, all that match: PREFIX (the DPDK file prefix), PREFIX:N (its instance N), "
                + "DIRECTORY/PREFIX[:N], or the path of a socket.", valueName: "source"))
    var source: String?

    @Option(name: .shortAndLong, help: ArgumentHelp("Write the result to this file.", valueName: "file"))
    var output: String?

    @Flag(help: "Print JSON instead of text: one object on one line for each interval, and one for the total.")
    var json = false

    @OptionGroup var finder: FinderOptions

    @Argument(parsing: .postTerminator, help: ArgumentHelp("The program and its arguments.", valueName: "program"))
    var program: [String] = []

    func validate() throws {
        if let interval, !(0.1...86400).contains(interval) {
            throw ValidationError("--interval takes 0.1 to 86400 seconds")
        }
        guard (0.01...3600).contains(sample) else { throw ValidationError("--sample takes 0.01 to 3600 seconds") }
    }

    func run() throws {
        let destination = try StatDestination(file: output, hasProgram: !program.isEmpty)
        let signals = StatSignals(hasProgram: !program.isEmpty)
        let run = try StatRun(
            finder.finder, timeout: finder.timeout, selector: source.map(TelemetrySourceSelector.init),
            destination: destination, asJSON: json)
        let child = start()
        do throws(Failure) {
            try run.measure(
                child, signals, period: .seconds(sample), interval: interval.map(Duration.seconds))
        } catch {
            guard child != nil else { throw error }
            StandardStreams.reportError(error.message)
        }
        // Not as an error: whatever the program's status is, it says nothing about this command line.
        if let child { Glibc.exit(child.exitStatus()) }
    }

    private func start() -> MeasuredProgram? {
        guard let name = program.first else { return nil }
        do throws(Errno) {
            return try MeasuredProgram(program)
        } catch {
            StandardStreams.reportError("cannot run \(name): \(error): check its name and PATH")
            Glibc.exit(error == .noSuchFileOrDirectory ? 127 : 126)
        }
    }
}
