import ArgumentParser
import CommandSupport
import TelemetryWire

/// `dmascope group events`
struct GroupEvents: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Show recent events of the access groups.",
        discussion: """
            Prints the last events with local times, newest first. In the process of a controller (`dmascope serve`) \
            these are all events of its groups, in an application those that its devices have received; DEVICE is the \
            device that received it, or a dash. HANDLER, DOMAIN, OS DOMAIN (a guest) and PID are those of the member concerned; DETAILS has \
            the window, the reason of an end, or the user that was denied.
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
            ("DOMAIN", .left), ("OS DOMAIN", .left), ("PID", .right), ("DETAILS", .left))
        for event in events.elements {
            let time = LocalTime.text(nanoseconds: event["time_ns"]?.unsigned ?? 0)
            let device = event["dev_id"]?.integer.map { $0 < 0 ? "-" : "\($0)" } ?? "-"
            let keys = ["group_id", "handler", "domain_id", "os_domain", "pid"]
            table.add(
                [time, JSONOutput.cell(event["event"]), device] + keys.map { JSONOutput.cell(event[$0]) }
                    + [Self.details(event)])
        }
        try output.print(
            json: events, table: table,
            ifEmpty: "No events yet: they come when applications create, join and leave access groups.")
    }

    private static func details(_ event: JSONTree) -> String {
        if let reason = event["reason"]?.string { return reason }
        if let user = event["uid"]?.unsigned { return "uid \(user)" }
        if let iova = event["iova"]?.unsigned, let length = event["length"]?.unsigned {
            return "0x\(String(iova, radix: 16)), \(length) bytes"
        }
        return event["device"]?.integer.map { "device \($0)" } ?? ""
    }
}
