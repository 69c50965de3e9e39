import CommandSupport
import TelemetryWire

/// The regions and attachments of processes as text.
enum MemoryTables {
    /// A section with a title for the regions, and one for the attachments; an empty one is left out.
    static func sections(regions: [ProcessMemory.Row], attachments: [ProcessMemory.Row]) -> [String] {
        [section("Regions of processes", Self.regions(regions)), section("Attachments", Self.attachments(attachments))]
            .compactMap(\.self)
    }

    /// The sections with an empty line between them, then the notes, a line each.
    static func text(_ sections: [String], notes: [String]) -> String {
        ([sections.joined(separator: "\n\n")] + notes).joined(separator: "\n")
    }

    /// The ranges of the mappings, a line each; `nil`: nothing is mapped.
    static func ranges(of attachments: [ProcessMemory.Row]) -> String? {
        var table = TextTable(
            ("PROCESS", .left), ("ID", .right), ("KIND", .left), ("ADDRESS", .right), ("BYTES", .right))
        for row in attachments {
            for (list, member, kind) in [("ranges", "address", "memory"), ("iovas", "iova", "iova")] {
                for range in row.members[list]?.elements ?? [] {
                    table.add([
                        row.process, JSONOutput.cell(row.members["id"]), kind, address(range[member]),
                        JSONOutput.cell(range["length"]),
                    ])
                }
            }
        }
        return section("Ranges of mapped attachments", table)
    }

    private static func section(_ title: String, _ table: TextTable) -> String? {
        table.lines.isEmpty ? nil : "\(title)\n" + table.text(bold: StandardStreams.outputTakesColor)
    }

    private static func regions(_ rows: [ProcessMemory.Row]) -> TextTable {
        var table = TextTable(
            ("PROCESS", .left), ("REGION", .right), ("ADDRESS", .right), ("BYTES", .right), ("KIND", .left),
            ("INODE", .right), ("EXPORTER", .left), ("USES", .left))
        for row in rows {
            let region = row.members
            let uses = region["uses"]?.elements.map { JSONOutput.cell($0) } ?? []
            table.add([
                row.process, JSONOutput.cell(region["region"]), address(region["address"]),
                JSONOutput.cell(region["length"]), JSONOutput.cell(region["kind"]), JSONOutput.cell(region["inode"]),
                JSONOutput.cell(region["exporter"]), uses.isEmpty ? "-" : uses.joined(separator: "; "),
            ])
        }
        return table
    }

    private static func attachments(_ rows: [ProcessMemory.Row]) -> TextTable {
        var table = TextTable(
            ("PROCESS", .left), ("ID", .right), ("STATE", .left), ("EXPORTER", .left), ("INODE", .right),
            ("BYTES", .right), ("IMPORTER", .left), ("INTERCONNECT", .left), ("RANGES", .right),
            ("FALLBACKS", .right), ("WHY", .left))
        for row in rows {
            let attachment = row.members
            let fallBacks = attachment["fallbacks"]?.elements ?? []
            table.add(
                [row.process]
                    + ["id", "state", "exporter"].map { JSONOutput.cell(attachment[$0]) }
                    + [attachment["inode"]?.unsigned == 0 ? "-" : JSONOutput.cell(attachment["inode"])]
                    + ["bytes", "importer", "interconnect", "nb_ranges"].map { JSONOutput.cell(attachment[$0]) }
                    + ["\(fallBacks.count)", why(attachment, fallBacks)])
        }
        return table
    }

    /// Why this interconnect: the choice, and the reason why each preferred one was not supported.
    private static func why(_ attachment: JSONTree, _ fallBacks: [JSONTree]) -> String {
        if fallBacks.isEmpty { return JSONOutput.cell(attachment["choice"]) }
        return fallBacks.map { "\(JSONOutput.cell($0["interconnect"])): \(JSONOutput.cell($0["reason"]))" }
            .joined(separator: "; ")
    }

    private static func address(_ number: JSONTree?) -> String {
        number?.unsigned.map { "0x" + String($0, radix: 16) } ?? "-"
    }
}
