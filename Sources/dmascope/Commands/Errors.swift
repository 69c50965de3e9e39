import ArgumentParser
import SystemPackage
import TelemetryWire

/// `dmascope errors`
struct Errors: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what went wrong in a process lately.",
        discussion: """
            Prints the last dmadev calls that failed, and the last telemetry requests that were answered with null, \
            with their local times and reasons, the newest first. DPDK applications do not tell. With --json the \
            result is an object with the arrays calls and requests, as the target tells them.
            """)

    @Argument(help: ArgumentHelp("How many of each kind at most, 1 to 256.", valueName: "count"))
    var count = 32
    @OptionGroup var peer: PeerOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (1...256).contains(count) else { throw ValidationError("the count is 1 to 256") }
    }

    func run() throws {
        let peer = try peer.connect()
        let calls = try peer.demand("/dmadev/errors,\(count)", "the target does not tell its failed calls").elements
        // Its log is shorter than 256, and a count beyond its length would be refused. It begins with the oldest.
        let log = try peer.demand("/telemetry/errors", "the target does not tell its refused requests")
        let requests = Array(log.elements.reversed().prefix(count))

        var table = TextTable(
            ("TIME", .left), ("KIND", .left), ("WHAT", .left), ("DEVICE", .right), ("ERRNO", .left), ("REASON", .left))
        let rows = calls.map { (kind: "call", row: $0) } + requests.map { (kind: "request", row: $0) }
        for (kind, row) in rows.sorted(by: { Self.time($0.row) > Self.time($1.row) }) {
            table.add([
                LocalTime.text(nanoseconds: Self.time(row)), kind, JSONOutput.cell(row["call"] ?? row["request"]),
                JSONOutput.cell(row["dev_id"]), row["errno"]?.integer.map(Self.errorName) ?? "-",
                JSONOutput.cell(row["reason"]),
            ])
        }
        try output.print(
            json: .object([
                JSONTree.Member("calls", .array(calls)), JSONTree.Member("requests", .array(requests)),
            ]), table: table)
    }

    private static func time(_ row: JSONTree) -> UInt64 { row["time_ns"]?.unsigned ?? 0 }

    /// The system's words for an errno.
    private static func errorName(_ number: Int64) -> String {
        CInt(exactly: number).map { "\(Errno(rawValue: $0))" } ?? "\(number)"
    }
}
