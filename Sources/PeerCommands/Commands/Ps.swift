import ArgumentParser
import CommandSupport
import TelemetryWire

/// `dmascope ps`
struct Ps: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ps",
        abstract: "List the processes with DMA devices, and what is wrong with them.",
        discussion: """
            Prints one line for each telemetry socket of a process with DMA devices, of dmascope or DPDK: process ID, user, \
            program, run directory, file prefix and instance, its devices, the operations per second during --interval, and \
            a verdict: ok, failing (operations fail now), stuck or halted (a channel is), no answer, not permitted, not \
            trusted, cannot look (a directory that cannot be read), or ended (an observed DPDK application that was \
            killed: `dmascope observe --ended`). A dash (-) means: unknown.
            """)

    @Option(help: ArgumentHelp("Measure during this time, up to 3600.", valueName: "seconds"))
    var interval = 1.0
    @OptionGroup var finder: FinderOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard interval > 0, interval <= 3600 else {
            throw ValidationError("--interval takes more than 0 and at most 3600 seconds")
        }
    }

    func run() throws {
        let survey = try ProcessSurvey(finder.finder, timeout: finder.timeout, interval: .seconds(interval))
        var table = TextTable(
            ("PID", .right), ("USER", .left), ("PROGRAM", .left), ("DIRECTORY", .left), ("PREFIX", .left),
            ("INSTANCE", .right), ("DEVICES", .left), ("OPS/S", .right), ("VERDICT", .left))
        for row in survey.rows { table.add(row.cells) }
        try output.print(
            json: .array(survey.rows.map(\.json)), table: table,
            ifEmpty:
                "No process with DMA devices: start `dmascope serve` or a DPDK application; --socket names sockets that are "
                + "elsewhere.")
    }
}
