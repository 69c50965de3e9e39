import ArgumentParser
import CommandSupport
import TelemetryWire

/// `dmascope group show`
struct GroupShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show the members of an access group.",
        discussion: """
            Prints one line per member, the creator first: its handler, which transfers use to name it; its domain; the \
            guest and the process there, or a dash and a process of this operating system; its devices, by their numbers \
            in that process; and the number and the total bytes of its memory windows. --json also lists each window.
            """)

    @Argument(help: ArgumentHelp("The group's number.", valueName: "group"))
    var group: Int16
    @OptionGroup var peer: PeerOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard group >= 0 else { throw ValidationError("the group's number is 0 or more") }
    }

    func run() throws {
        let shown = try peer.connect().require("/dmadev/group,\(group)", "the target has no access group \(group)")
        var table = TextTable(
            ("HANDLER", .right), ("DOMAIN", .left), ("OS DOMAIN", .left), ("PID", .right), ("ROLE", .left),
            ("DEVICES", .left),
            ("WINDOWS", .right), ("BYTES", .right))
        for member in shown["members"]?.elements ?? [] {
            let windows = member["windows"]?.elements ?? []
            let bytes = windows.reduce(UInt64(0)) { $0 &+ ($1["length"]?.unsigned ?? 0) }
            table.add([
                JSONOutput.cell(member["handler"]), JSONOutput.cell(member["domain_id"]),
                JSONOutput.cell(member["os_domain"]), JSONOutput.cell(member["pid"]),
                member["creator"]?.integer == 1 ? "creator" : "joiner",
                GroupList.devices(member), "\(windows.count)", "\(bytes)",
            ])
        }
        try output.print(json: shown, table: table, ifEmpty: "The group has no members.")
    }
}
