import MachineInventory
import MetricsExporter
import TelemetryWire

/// Memory from elsewhere: what processes report of it, and the dma-bufs of the machine.
extension SnapshotBuilder {
    /// The reply to `/dmadev/memory`.
    static func memory(_ reply: JSONTree) -> JSONTree {
        let regions = (reply["regions"] ?? .null).elements.prefix(PageFields.memoryLimit).map { row in
            JSONTree.object(
                row.members(PageFields.region) + [
                    .init("uses", (row["uses"] ?? .null).scalars(limit: PageFields.useLimit))
                ])
        }
        return .object(
            reply.members(PageFields.memory) + [
                .init("kinds", (reply["kinds"] ?? .null).rows(PageFields.memoryKind, limit: PageFields.memoryLimit)),
                .init("regions", .array(regions)),
            ])
    }

    /// The reply to `/dmadev/interconnects`.
    static func interconnects(_ reply: JSONTree) -> JSONTree {
        let attachments = (reply["attachments"] ?? .null).elements.prefix(PageFields.memoryLimit).map { row in
            JSONTree.object(row.members(PageFields.attachment) + [fallBacks(of: row, limit: PageFields.useLimit)])
        }
        return .object(
            reply.members(PageFields.interconnects) + [
                .init("states", .object((reply["states"] ?? .null).members(PageFields.attachmentStates))),
                fallBacks(of: reply, limit: PageFields.memoryLimit),
                .init("attachments", .array(attachments)),
            ])
    }

    private static func fallBacks(of row: JSONTree, limit: Int) -> JSONTree.Member {
        .init("fallbacks", (row["fallbacks"] ?? .null).rows(PageFields.fallBack, limit: limit))
    }

    /// The dma-bufs of the machine: all are counted, the first ones are shown.
    static func buffers(_ inventory: DMABufferInventory) -> JSONTree {
        let rows = inventory.buffers.prefix(PageFields.memoryLimit).map { buffer in
            JSONTree.object([
                .init("inode", .count(buffer.inode)), .init("exporter", .text(buffer.exporter)),
                .init("name", .text(buffer.name)), .init("size", buffer.byteCount.map(JSONTree.count) ?? .null),
                .init("holder_count", .count(UInt64(buffer.holders.count))),
                .init(
                    "holders",
                    .array(
                        buffer.holders.prefix(PageFields.useLimit).map { holder in
                            .object([
                                .init("pid", .integer(Int64(holder.processID))),
                                .init("name", .text(holder.processName)),
                            ])
                        })),
            ])
        }
        let unreadable = inventory.deniedProcesses.count + inventory.truncatedProcesses.count
        return .object([
            .init("count", .count(UInt64(inventory.buffers.count))),
            .init("bytes", .count(inventory.buffers.reduce(0) { $0 &+ ($1.byteCount ?? 0) })),
            .init("unreadable_processes", .count(UInt64(unreadable))),
            .init("buffers", .array(rows)),
        ])
    }
}
