import OpenMetricsText

extension MetricTable {
    /// The DMA engines of the kernel.
    static let kernelRows: [MetricRow] = [
        .row(
            "kernel_dma_channel", .info, labels: ["channel", "driver"],
            .kernel { $0.channels.map { .info(["channel": $0.name, "driver": $0.driver]) } },
            help: "A channel of the kernel's dmaengine."),
        channelRow(
            "kernel_dma_channel_clients", .gauge, { $0.inUse }, help: "Clients of the kernel's channel."),
        channelRow(
            "kernel_dma_channel_moved_bytes", .counter, unit: "bytes", { $0.bytes },
            help: "Bytes moved by the kernel's channel."),
        channelRow(
            "kernel_dma_channel_copies", .counter, { $0.copies },
            help: "Copies submitted to the kernel's channel."),
        .row(
            "kernel_idxd_device", .info, labels: ["device", "numa_node"],
            .kernel { $0.accelerators.map { .info(["device": $0.name, "numa_node": $0.numaNode]) } },
            help: "An accelerator of the idxd driver."),
        .row(
            "kernel_idxd_device_enabled", .gauge, labels: ["device"],
            .kernel {
                $0.accelerators.map { MetricPoint(["device": $0.name], .unsigned($0.state == "enabled" ? 1 : 0)) }
            },
            help: "Whether the accelerator is enabled (1) or not (0)."),
        .row(
            "kernel_idxd_device_faulty", .gauge, labels: ["device"],
            .kernel { $0.accelerators.map { MetricPoint(["device": $0.name], .unsigned($0.isFaulty ? 1 : 0)) } },
            help: "Whether the accelerator reports a hardware error (1) or none (0)."),
        acceleratorRow("kernel_idxd_device_clients", { $0.clients }, help: "Clients of the accelerator."),
        acceleratorRow(
            "kernel_idxd_device_work_queues_limit", { $0.workQueueLimit },
            help: "Maximum number of work queues of the accelerator."
        ),
        acceleratorRow("kernel_idxd_device_engines", { $0.engineLimit }, help: "Engines of the accelerator."),
        .row(
            "kernel_idxd_wq", .info, labels: ["wq", "mode", "type", "driver"],
            .kernel {
                $0.workQueues.map { .info(["wq": $0.name, "mode": $0.mode, "type": $0.type, "driver": $0.driver]) }
            }, help: "A work queue of an accelerator."),
        .row(
            "kernel_idxd_wq_enabled", .gauge, labels: ["wq"],
            .kernel { $0.workQueues.map { MetricPoint(["wq": $0.name], .unsigned($0.state == "enabled" ? 1 : 0)) } },
            help: "Whether the work queue is enabled (1) or not (0)."),
        queueRow("kernel_idxd_wq_clients", { $0.clients }, help: "Clients of the work queue."),
        queueRow("kernel_idxd_wq_entries", { $0.size }, help: "Entries of the work queue."),
        queueRow("kernel_idxd_wq_priority", { $0.priority }, help: "Priority of the work queue, 1 to 15."),
    ]

    private static func channelRow(
        _ name: String, _ kind: MetricDescription.Kind, unit: String? = nil,
        _ value: @escaping @Sendable (KernelEngines.Channel) -> UInt64?, help: String
    ) -> MetricRow {
        .row(
            name, kind, unit: unit, labels: ["channel"],
            .kernel { engines in
                engines.channels.compactMap { channel in
                    value(channel).map { MetricPoint(["channel": channel.name], .unsigned($0)) }
                }
            }, help: help)
    }

    private static func acceleratorRow(
        _ name: String, _ value: @escaping @Sendable (KernelEngines.Accelerator) -> UInt64?, help: String
    ) -> MetricRow {
        .row(
            name, .gauge, labels: ["device"],
            .kernel { engines in
                engines.accelerators.compactMap { device in
                    value(device).map { MetricPoint(["device": device.name], .unsigned($0)) }
                }
            }, help: help)
    }

    private static func queueRow(
        _ name: String, _ value: @escaping @Sendable (KernelEngines.WorkQueue) -> UInt64?, help: String
    ) -> MetricRow {
        .row(
            name, .gauge, labels: ["wq"],
            .kernel { engines in
                engines.workQueues.compactMap { queue in
                    value(queue).map { MetricPoint(["wq": queue.name], .unsigned($0)) }
                }
            }, help: help)
    }
}
