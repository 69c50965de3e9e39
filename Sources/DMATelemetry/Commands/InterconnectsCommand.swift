internal import DMADev
internal import TelemetryWire

extension DeviceCommands {
    /// `/dmadev/interconnects[,COUNT][,FIRST]`: the attachments of importers to exporters' buffers, with totals.
    static func interconnects(_ registry: DeviceRegistry) -> TelemetryCommand {
        TelemetryCommand(
            path: "/dmadev/interconnects",
            help: "Returns the attachments to buffers of exporters: state, interconnect, ranges, fall-backs and "
                + "revocations. Parameters: int count (Optional, 64 rows by default), "
                + "int first (Optional, the lowest attachment number)",
            parameters: [
                TelemetryParameter("count", "how many rows, up to 256", isOptional: true),
                TelemetryParameter("first", "the lowest attachment number, 0 by default", isOptional: true),
            ]
        ) { request throws(TelemetryCommandError) in
            var numbers = request.numbers
            let count: UInt16 = try numbers.nextIfPresent("count", in: 0...256) ?? 64
            let first: UInt32 = try numbers.nextIfPresent("first", in: 0...UInt32.max) ?? 0
            let table = registry.attachments
            let reports = table.reports
            var reply = JSONValue.object()
            reply.set("count", reports.count)
            var states = JSONValue.object()
            for state in BufferAttachment.State.allCases {
                states.set(name: state.name, JSONValue(reports.count { $0.state == state }))
            }
            reply.set("states", states)
            reply.set("mapped_bytes", reports.reduce(0) { $1.direction == nil ? $0 : $0 &+ $1.byteCount })
            let counts = table.counts
            reply.set("attached", counts.attached)
            reply.set("detached", counts.detached)
            reply.set("revocations", counts.revocations)
            reply.set("revocation_timeouts", counts.revocationTimeouts)
            reply.set("failures", counts.failures)
            var fallBacks = JSONValue.array()
            for fallBack in table.fallBackCounts {
                var row = row(fallBack.interconnect, fallBack.reason)
                row.set("count", fallBack.count)
                fallBacks.append(row)
            }
            reply.set("fallbacks", fallBacks)
            var attachments = JSONValue.array()
            for report in reports.drop(while: { $0.id < UInt64(first) }).prefix(Int(count)) {
                attachments.append(row(report))
            }
            reply.set("attachments", attachments)
            return reply
        }
    }

    /// Ranges of an attachment that are reported; the others are only counted.
    private static let mostRanges = 8

    private static func row(_ report: AttachmentReport) -> JSONValue {
        var row = JSONValue.object()
        row.set("id", report.id)
        row.set("state", report.state.name)
        row.set("exporter", report.exporter)
        row.set("inode", report.inode)
        if let region = report.region { row.set("region", region) }
        row.set("bytes", report.byteCount)
        row.set("importer", report.importer)
        row.set("dev_id", report.device)
        row.set("interconnect", report.interconnect)
        row.set("choice", report.choice)
        var fallBacks = JSONValue.array()
        for fallBack in report.fallBacks { fallBacks.append(self.row(fallBack.interconnect, fallBack.reason)) }
        row.set("fallbacks", fallBacks)
        row.set("maps", report.mapCount)
        if let direction = report.direction {
            row.set("direction", direction.name)
            row.set("nb_ranges", report.ranges.count)
            row.set("ranges", ranges(report.ranges.lazy.map { ("address", $0.address, $0.byteCount) }))
            row.set("iovas", ranges(report.imported.lazy.map { ("iova", $0.address, $0.byteCount) }))
        }
        if let age = report.revocationAge { row.set("revoked_ns", age.inNanoseconds) }
        if let error = report.lastError { row.set("last_error", error) }
        return row
    }

    private static func row(_ interconnect: String, _ reason: String) -> JSONValue {
        var row = JSONValue.object()
        row.set("interconnect", interconnect)
        row.set("reason", reason)
        return row
    }

    private static func ranges(_ ranges: some Sequence<(String, UInt64, UInt64)>) -> JSONValue {
        var rows = JSONValue.array()
        for (name, address, byteCount) in ranges.prefix(mostRanges) {
            var row = JSONValue.object()
            row.set(name: name, JSONValue(address))
            row.set("length", byteCount)
            rows.append(row)
        }
        return rows
    }
}
