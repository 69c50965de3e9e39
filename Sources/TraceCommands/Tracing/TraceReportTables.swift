import CommandSupport
import DMADev
import TelemetryWire
import TraceAnalysis

/// A part of a report with a row for each thing: the same columns and values as text, JSON, CSV and HTML.
struct TraceReportTable {
    /// One value: what programs get, and what people see.
    struct Cell {
        let value: JSONTree
        let text: String

        init(_ value: JSONTree, _ text: String) {
            self.value = value
            self.text = text
        }

        static func text(_ text: String?) -> Cell { Cell(text.map(JSONTree.string) ?? .null, text ?? "-") }
        static func count(_ count: UInt64) -> Cell { Cell(.unsigned(count), "\(count)") }
        static func number(_ number: Int?) -> Cell {
            Cell(number.map { .integer(Int64($0)) } ?? .null, number.map { "\($0)" } ?? "-")
        }
        static func bytes(_ bytes: UInt64) -> Cell { Cell(.unsigned(bytes), Quantity.bytes(Double(bytes))) }
        static func time(_ time: Int64?) -> Cell {
            Cell(time.map { .integer($0) } ?? .null, time.map(TraceReportText.time) ?? "-")
        }
        static func error(_ error: Int) -> Cell {
            Cell(ErrorName.name(error).map(JSONTree.string) ?? .null, ErrorName.text(error))
        }
    }

    /// One column: the name for programs, and the title for people; `nil`: people do not need it.
    struct Column {
        let name: String
        let title: String?
        let isText: Bool

        init(_ name: String, _ title: String?, isText: Bool = false) {
            self.name = name
            self.title = title
            self.isText = isText
        }
    }

    /// The member of the JSON object, and the value of `--table`.
    let name: String
    /// The heading of the HTML page.
    let title: String
    let columns: [Column]
    let rows: [[Cell]]

    /// An object for each row.
    var tree: JSONTree {
        .array(rows.map { row in .object(zip(columns, row).map { JSONTree.Member($0.name, $1.value) }) })
    }

    /// The columns that people see.
    var shown: [(title: String, isText: Bool)] {
        columns.compactMap { column in column.title.map { ($0, column.isText) } }
    }

    /// The cells that people see.
    var shownRows: [[String]] {
        rows.map { row in zip(columns, row).filter { $0.0.title != nil }.map(\.1.text) }
    }

    /// Lines of text; empty without rows.
    func text(bold: Bool) -> String {
        guard !rows.isEmpty else { return "" }
        var table = TextTable(shown.map { ($0.title.uppercased(), $0.isText ? .left : .right) })
        shownRows.forEach { table.add($0) }
        return table.text(bold: bold)
    }
}

extension TraceReportTable {
    /// Every table of this kind, in the order in which they are printed.
    static func all(_ report: TraceReport) -> [TraceReportTable] {
        [groups(report), members(report), denials(report), memory(report), fallbacks(report), failedCalls(report)]
    }

    static func groups(_ report: TraceReport) -> TraceReportTable {
        TraceReportTable(
            name: "groups", title: "Access groups",
            columns: [
                Column("group", "group"), Column("manager", "managed by", isText: true),
                Column("created_ns", "created", isText: true), Column("creator", "by", isText: true),
                Column("limit", "limit"), Column("joined", "joined"), Column("left", "left"), Column("died", "died"),
                Column("devices_joined", nil), Column("devices_left", nil), Column("windows", "windows"),
                Column("window_bytes", "bytes"), Column("open_windows", "open"),
                Column("open_window_bytes", nil), Column("handlers_revoked", nil), Column("denied", "denied"),
                Column("destroyed_ns", "ended", isText: true), Column("end", "how", isText: true),
            ],
            rows: report.groups.map { group in
                [
                    .number(group.number), .text(group.manager), .time(group.created),
                    .text(group.created == nil ? nil : group.members.first?.process), .number(group.limit),
                    .count(group.joins), .count(group.leaves), .count(group.deaths), .count(group.deviceJoins),
                    .count(group.deviceLeaves), .count(group.windows.count), .bytes(group.windows.bytes),
                    .count(group.windows.openCount), .bytes(group.windows.openBytes), .count(group.revocations),
                    .count(group.deniedCount), .time(group.destroyed), .text(group.reason),
                ]
            })
    }

    static func members(_ report: TraceReport) -> TraceReportTable {
        TraceReportTable(
            name: "members", title: "Members of access groups",
            columns: [
                Column("group", "group"), Column("handler", "handler"), Column("pid", nil),
                Column("process", "member", isText: true), Column("domain", "domain", isText: true),
                Column("joined_ns", "joined", isText: true), Column("left_ns", "left", isText: true),
                Column("died", "how", isText: true),
            ],
            rows: report.groups.flatMap { group in
                group.members.map { member in
                    [
                        .number(group.number), .number(member.handler), .number(member.processID),
                        .text(member.process), .text(DomainID(bytes: member.domain).map { "\($0)" }),
                        .time(member.joined), .time(member.left),
                        Cell(.bool(member.hasDied), member.left == nil ? "-" : member.hasDied ? "died" : "left"),
                    ]
                }
            })
    }

    static func denials(_ report: TraceReport) -> TraceReportTable {
        TraceReportTable(
            name: "denials", title: "Denied joins and accesses",
            columns: [
                Column("group", "group"), Column("denied", "denied", isText: true), Column("count", "count"),
                Column("pid", "process"), Column("uid", "user"), Column("by_handler", "by handler"),
                Column("handler", "of handler"), Column("code", nil), Column("reason", "reason", isText: true),
            ],
            rows: report.groups.flatMap { group in
                group.denials.map { denial, count in
                    [
                        .number(group.number), .text(denial.kind.rawValue), .count(count), .number(denial.processID),
                        .number(denial.user), .number(denial.requester), .number(denial.handler),
                        .number(denial.reason), reason(of: denial),
                    ]
                }
            })
    }

    private static func reason(of denial: GroupReport.Denial) -> Cell {
        guard denial.kind == .access else { return .error(denial.reason) }
        return .text("\(CompletionStatus(rawValue: UInt16(clamping: denial.reason)))")
    }

    static func memory(_ report: TraceReport) -> TraceReportTable {
        func use(_ name: String, _ title: String) -> [Column] {
            [
                Column(name, title), Column("\(name)_bytes", "bytes"), Column("\(name)_ended", nil),
                Column("\(name)_open", "open"), Column("\(name)_open_bytes", "bytes"),
            ]
        }
        func cells(_ use: ResourceUse) -> [Cell] {
            [
                .count(use.count), .bytes(use.bytes), .count(use.endedCount), .count(use.openCount),
                .bytes(use.openBytes),
            ]
        }
        return TraceReportTable(
            name: "memory", title: "Memory",
            columns: [
                Column("process", "memory of", isText: true), Column("pid", nil), Column("buffers", "buffers"),
                Column("buffers_bytes", "bytes"),
            ] + use("mappings", "mapped") + use("regions", "regions") + [Column("received_regions", nil)]
                + use("attachments", "attached") + [
                    Column("attachment_mappings", nil), Column("attachment_mappings_bytes", nil),
                    Column("revocations", "revoked"), Column("failed_calls", "failed"),
                ],
            rows: report.memory.map { memory in
                [
                    .text(memory.process), .number(memory.processID), .count(memory.buffers.count),
                    .bytes(memory.buffers.bytes),
                ] + cells(memory.mappings) + cells(memory.regions) + [.count(memory.receivedRegions)]
                    + cells(memory.attachments) + [
                        .count(memory.attachmentMappings.count), .bytes(memory.attachmentMappings.bytes),
                        .count(memory.revocations), .count(memory.failures),
                    ]
            })
    }

    static func fallbacks(_ report: TraceReport) -> TraceReportTable {
        TraceReportTable(
            name: "fallbacks", title: "Interconnects that could not be used",
            columns: [
                Column("interconnect", "not used", isText: true), Column("count", "count"),
                Column("process", "process", isText: true), Column("error", "error", isText: true),
                Column("errno", nil), Column("reason", "reason", isText: true),
            ],
            rows: report.memory.flatMap { memory in
                memory.fallbacks.map { fallback, count in
                    [
                        .text(fallback.interconnect), .count(count), .text(memory.process), .error(fallback.error),
                        .number(fallback.error), .text(fallback.reason),
                    ]
                }
            })
    }

    static func failedCalls(_ report: TraceReport) -> TraceReportTable {
        TraceReportTable(
            name: "failed_calls", title: "Failed calls",
            columns: [
                Column("call", "failed call", isText: true), Column("count", "count"),
                Column("process", "process", isText: true), Column("device", "device"), Column("vchan", "vchan"),
                Column("errno", nil), Column("error", "error", isText: true),
                Column("reason", "reason", isText: true),
            ],
            rows: report.failedCalls.map { call in
                [
                    .text(call.call), .count(call.count), .text(call.process), .number(call.device),
                    .number(call.vchan), .number(call.error), .error(call.error), .text(call.reason),
                ]
            })
    }
}
