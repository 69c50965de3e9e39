internal import DMADev
internal import TelemetryWire

extension DeviceCommands {
    /// `/dmadev/memory[,FIRST][,COUNT]`: the external memory of this process.
    static func memory(_ registry: DeviceRegistry) -> TelemetryCommand {
        TelemetryCommand(
            path: "/dmadev/memory",
            help: "Returns the registered external memory of the process: sums by kind, then the regions with files, "
                + "IOVAs and uses. Parameters: int first (Optional), int count (Optional, 128 by default)",
            parameters: [
                TelemetryParameter("first", "the first region, counted from 0 by address", isOptional: true),
                TelemetryParameter("count", "how many regions, up to 256", isOptional: true),
            ]
        ) { request throws(TelemetryCommandError) in
            var numbers = request.numbers
            let first: UInt32 = try numbers.nextIfPresent("first", in: 0...UInt32.max) ?? 0
            let count: UInt16 = try numbers.nextIfPresent("count", in: 0...256) ?? 128
            let regions = registry.memory.regions
            var reply = JSONValue.object()
            reply.set("count", regions.count)
            var kinds = JSONValue.array()
            for (kind, regions) in Dictionary(grouping: regions, by: kind).sorted(by: { $0.key < $1.key }) {
                var sum = JSONValue.object()
                sum.set("kind", kind)
                sum.set("regions", regions.count)
                sum.set("bytes", regions.reduce(0) { $0 + $1.byteCount })
                kinds.append(sum)
            }
            reply.set("kinds", kinds)
            var rows = JSONValue.array()
            for region in regions.dropFirst(Int(first)).prefix(Int(count)) { rows.append(row(region)) }
            reply.set("regions", rows)
            return reply
        }
    }

    private static func kind(_ region: MemoryRegion) -> String { region.file?.kind.rawValue ?? "memory" }

    private static func row(_ region: MemoryRegion) -> JSONValue {
        var row = JSONValue.object()
        row.set("region", region.number)
        row.set("address", region.address)
        row.set("length", region.byteCount)
        row.set("page_size", region.pageSize)
        row.set("attached", region.isAttached)
        row.set("has_iovas", region.hasIOVAs)
        row.set("kind", kind(region))
        if let file = region.file {
            row.set("exporter", file.exporter)
            row.set("inode", file.inode)
            row.set("size", file.byteCount)
            row.set("offset", file.offset)
            row.set("verified", file.isVerified)
        }
        var uses = JSONValue.array()
        for use in region.currentUses { uses.append(JSONValue(use.description)) }
        row.set("uses", uses)
        return row
    }
}
