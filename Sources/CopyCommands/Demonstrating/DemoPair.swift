import ArgumentParser
import CommandSupport
import TelemetryWire

/// `dmascope demo pair`
struct DemoPair: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pair",
        abstract: "Show step by step how two processes move a file through a controller.",
        discussion: """
            Starts two processes. The first creates an access group and sends its number and its token to the second, \
            through a pipe that only these two have; the second joins. Then the controller copies a file from one \
            process's memory to the other's and back: neither process can access the other's memory itself. All bytes \
            are compared. The demonstration also reads the group's members and their transfers from the controller, \
            like `dmascope group show` and `dmascope query`. At the end one process is killed during a transfer, and \
            the other one receives an event.

            The controller is that of `dmascope serve`. If no process is given and none serves, the demonstration \
            starts its own controller. It removes everything that it has created.
            """)

    @Option(help: ArgumentHelp("The file to move. The default is random bytes.", valueName: "path"))
    var file: String?

    @Option(help: ArgumentHelp("The number of random bytes, 1 to 1G; K, M and G are units.", valueName: "size"))
    var size: ByteCount?

    @Option(help: ArgumentHelp("Bytes per operation, 1 to 1G; K, M and G are units.", valueName: "size"))
    var chunk = ByteCount(256 << 10)

    @OptionGroup var peer: PeerOptions
    @OptionGroup var output: OutputOptions

    static let largest = 1 << 30

    func validate() throws {
        guard file == nil || size == nil else {
            throw ValidationError("--file and --size exclude each other: a file has its own size")
        }
        guard (1...Self.largest).contains((size ?? ByteCount(1)).bytes) else {
            throw ValidationError("--size takes 1 to 1G bytes")
        }
        guard (1...Self.largest).contains(chunk.bytes) else { throw ValidationError("--chunk takes 1 to 1G bytes") }
    }

    func run() throws {
        let termination = Termination()
        let data = try file.map { try DemoData.file($0) } ?? DemoData.random(size ?? ByteCount(16 << 20))
        let controller = try DemoController.find(peer)
        var report = DemoReport(isShown: !output.json)
        let run = try DemoRun(controller, data, chunk: chunk.bytes, termination)
        // On every path, both processes end before the controller.
        defer { run.end() }
        try run.run(&report)
        if output.json { try StandardStreams.print(JSONOutput.compact(report.tree)) }
    }
}
