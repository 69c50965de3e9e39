import ArgumentParser
import TelemetryWire

/// `dmascope group events`
struct GroupEvents: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Show recent events of the access groups.",
        discussion: """
            Prints the last events that devices of the target have received, with local times, newest first: joined, \
            left (or its process ended), destroyed. HANDLER and DOMAIN are those of the member concerned.
            """)

    @Argument(help: ArgumentHelp("Maximum number of events, 1 to 256.", valueName: "count"))
    var count = 32
    @OptionGroup var peer: PeerOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (1...256).contains(count) else { throw ValidationError("the count is 1 to 256") }
    }

    func run() throws {
        let events = try peer.connect()
            .require("/dmadev/events,\(count)", "the target does not report events of its access groups")
        var table = TextTable(
            ("TIME", .left), ("EVENT", .left), ("DEVICE", .right), ("GROUP", .right), ("HANDLER", .right),
            ("DOMAIN", .left))
        for event in events.elements {
            let keys = ["event", "dev_id", "group_id", "handler", "domain_id"]
            let time = LocalTime.text(nanoseconds: event["time_ns"]?.unsigned ?? 0)
            table.add([time] + keys.map { JSONOutput.cell(event[$0]) })
        }
        try output.print(json: events, table: table)
    }
}
