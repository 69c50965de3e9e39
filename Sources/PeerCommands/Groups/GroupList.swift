import ArgumentParser
import CommandSupport
import TelemetryWire

/// `dmascope group list`
struct GroupList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the access groups.",
        discussion: """
            Prints one line per group: its number, its controller, its kind, the number of members and its limit, the \
            target's devices that are in it, and the domain that created it.
            """)

    @OptionGroup var peer: PeerOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let groups = try peer.connect().require("/dmadev/groups", "the target does not report access groups")
        var table = TextTable(
            ("GROUP", .right), ("CONTROLLER", .right), ("KIND", .left), ("SIZE", .right), ("LIMIT", .right),
            ("DEVICES", .left), ("CREATOR", .left))
        for group in groups.elements {
            table.add([
                JSONOutput.cell(group["group_id"]), Self.controller(group), JSONOutput.cell(group["kind"]),
                JSONOutput.cell(group["size"]), JSONOutput.cell(group["limit"]), Self.devices(group),
                JSONOutput.cell(group["creator"]),
            ])
        }
        try output.print(
            json: groups, table: table,
            ifEmpty:
                "No access groups: applications create them on devices of a controller, as `dmascope demo pair` does.")
    }

    /// The controller's number; a dash if it has none.
    static func controller(_ group: JSONTree) -> String {
        group["controller_id"]?.integer.map { $0 < 0 ? "-" : "\($0)" } ?? "-"
    }

    /// The device numbers, joined with commas.
    static func devices(_ row: JSONTree) -> String {
        let numbers = (row["devices"]?.elements ?? []).map { JSONOutput.cell($0) }
        return numbers.isEmpty ? "-" : numbers.joined(separator: ",")
    }
}
