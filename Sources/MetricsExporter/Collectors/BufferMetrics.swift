import MachineInventory
import OpenMetricsText

extension MetricTable {
    /// The dma-bufs of the machine.
    static let bufferRows: [MetricRow] = [
        .row(
            "kernel_dmabufs", .gauge, labels: ["exporter"],
            .buffers { inventory in
                sums(of: inventory) { _ in 1 }
            },
            help: "dma-bufs of this machine by exporter, as far as this process may look."),
        .row(
            "kernel_dmabuf_bytes", .gauge, unit: "bytes", labels: ["exporter"],
            .buffers { inventory in
                sums(of: inventory) { $0.byteCount ?? 0 }
            },
            help: "Bytes of these dma-bufs."),
        .row(
            "kernel_dmabuf_unreadable_processes", .gauge,
            .buffers { [MetricPoint(.unsigned(UInt64($0.deniedProcesses.count + $0.truncatedProcesses.count)))] },
            help: "Processes that may have more dma-bufs, because this process cannot look into all of them."),
    ]

    /// A sum over the buffers of each exporter. A buffer of which only mappings were found has none.
    private static func sums(
        of inventory: DMABufferInventory, _ value: (DMABufferRecord) -> UInt64
    ) -> [MetricPoint] {
        var sums: [String: UInt64] = [:]
        for buffer in inventory.buffers { sums[buffer.exporter ?? "", default: 0] &+= value(buffer) }
        return sums.sorted { $0.key < $1.key }.map { MetricPoint(["exporter": $0.key], .unsigned($0.value)) }
    }
}
