import ArgumentParser
import TelemetryWire

/// `dmascope demo pair`
struct DemoPair: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pair",
        abstract: "Show two processes that move a file through a controller, step by step.",
        discussion: """
            Starts two processes. One makes an access group and hands its number and its token to the other one, through \
            a pipe that only these two have; the other one joins. Then the controller copies a file from one process's \
            memory to the other's and back: neither can reach the other's memory itself. All bytes are compared. \
            Meanwhile the controller is asked, as `dmascope group show` and `dmascope query` would ask it, who is in the \
            group and who has moved what. In the end one process is killed in the middle of its work, and the other one \
            hears of it.

            The controller is that of `dmascope serve`. When no process is named and none serves, the demonstration \
            has one of its own as long as it runs. Nothing is left behind.
            """)

    @Option(help: ArgumentHelp("The file to move. Without it, random bytes are made.", valueName: "path"))
    var file: String?

    @Option(help: ArgumentHelp("How many bytes are made, 1 to 1G; K, M and G are units.", valueName: "size"))
    var size: ByteCount?

    @Option(help: ArgumentHelp("Bytes an operation, 1 to 1G; K, M and G are units.", valueName: "size"))
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
        let place = try DemoPlace.find(peer)
        var story = DemoStory(isShown: !output.json)
        let show = try DemoShow(place, data, chunk: chunk.bytes, termination)
        // Whatever the end, both processes are gone before the controller is.
        defer { show.end() }
        try show.run(&story)
        if output.json { try StandardStreams.print(JSONOutput.compact(story.tree)) }
    }
}
