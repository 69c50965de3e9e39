import ArgumentParser
import CommandSupport
import SystemPackage
import TelemetryWire

/// `dmascope errors`
struct Errors: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "errors",
        abstract: "Show recent errors of a process.",
        discussion: """
            Prints the dmadev calls that failed, one row for each device, channel, call and reason, and the last \
            telemetry requests that were answered with null, with reasons and the local time of the last failure, \
            newest first. DPDK applications do not report this. With --json the result is an object with the arrays \
            calls and requests, as received from the target.
            """)

    @Argument(help: ArgumentHelp("Maximum number of each kind, 1 to 256.", valueName: "count"))
    var count = 32
    @OptionGroup var peer: PeerOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (1...256).contains(count) else { throw ValidationError("the count is 1 to 256") }
    }

    func run() throws {
        let peer = try peer.connect()
        let failures = try peer.require("/dmadev/errors,\(count)", "the target does not report failed calls")
        let calls = failures["calls"]?.elements ?? []
        // No count in the request: the log is shorter than 256, and a greater count is an error.
        let log = try peer.require("/telemetry/errors", "the target does not report failed requests")
        let requests = Array(log.elements.prefix(count))

        var table = TextTable(
            ("LAST", .left), ("KIND", .left), ("COUNT", .right), ("WHAT", .left), ("DEVICE", .right), ("VCHAN", .right),
            ("ERRNO", .left), ("REASON", .left))
        let rows = calls.map { (kind: "call", row: $0) } + requests.map { (kind: "request", row: $0) }
        for (kind, row) in rows.sorted(by: { Self.time($0.row) > Self.time($1.row) }) {
            table.add([
                LocalTime.text(nanoseconds: Self.time(row)), kind, JSONOutput.cell(row["count"] ?? .integer(1)),
                JSONOutput.cell(row["call"] ?? row["request"]),
                row["dev_id"]?.integer.flatMap { $0 < 0 ? nil : "\($0)" } ?? "-", JSONOutput.cell(row["vchan"]),
                row["errno"]?.integer.map(Self.errorName) ?? "-", JSONOutput.cell(row["reason"]),
            ])
        }
        try output.print(
            json: .object([
                JSONTree.Member("calls", .array(calls)), JSONTree.Member("requests", .array(requests)),
            ]), table: table,
            ifEmpty: "Nothing failed.")
    }

    private static func time(_ row: JSONTree) -> UInt64 { (row["last_ns"] ?? row["time_ns"])?.unsigned ?? 0 }

    /// The system's message for an errno.
    private static func errorName(_ number: Int64) -> String {
        CInt(exactly: number).map { "\(Errno(rawValue: $0))" } ?? "\(number)"
    }
}
