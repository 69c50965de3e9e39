import OpenMetricsText

extension MetricTable {
    /// What devices are.
    static let deviceRows: [MetricRow] = [
        .telemetry("dmadev_devices", .gauge, from: .deviceList, help: "DMA devices of the process.") { reply in
            [MetricPoint(.unsigned(UInt64(reply.elements.count)))]
        },
        .telemetry(
            "dmadev_device", .info, labels: ["driver", "class", "controller_id", "numa_node"], from: .deviceInfo,
            help: "What the device is. Empty labels are unknown to the process."
        ) { reply in
            [
                .info([
                    "driver": reply.label("driver"), "class": reply.label("class"),
                    "controller_id": reply.label("controller_id"), "numa_node": reply.label("numa_node"),
                ])
            ]
        },
        .telemetry(
            "dmadev_device_started", .gauge, from: .deviceInfo, member: "started",
            help: "Whether the device is started (1) or not (0)."),
        .telemetry(
            "dmadev_device_shared_engine", .gauge, from: .deviceInfo, member: "shared_engine",
            help: "Whether the device shares its engine with others (1) or not (0)."),
        .telemetry(
            "dmadev_device_vchans", .gauge, from: .deviceInfo, member: "nb_vchans",
            help: "Virtual channels that the device is configured with."),
        .telemetry(
            "dmadev_device_vchans_limit", .gauge, from: .deviceInfo, member: "max_vchans",
            help: "Virtual channels that the device can have."),
        .telemetry(
            "dmadev_device_priorities", .gauge, from: .deviceInfo, member: "nb_priorities",
            help: "Priorities that the device tells apart."),
        .telemetry(
            "dmadev_device_descriptors_minimum", .gauge, from: .deviceInfo, member: "min_desc",
            help: "Descriptors that a ring must have."),
        .telemetry(
            "dmadev_device_descriptors_limit", .gauge, from: .deviceInfo, member: "max_desc",
            help: "Descriptors that a ring can have."),
        .telemetry(
            "dmadev_device_sg_entries_limit", .gauge, from: .deviceInfo, member: "max_sges",
            help: "Entries that a scatter-gather list can have."),
        .telemetry(
            "dmadev_device_access_groups_limit", .gauge, from: .deviceInfo, member: "nb_access_groups",
            help: "Access groups that the device's controller can have."),
        .telemetry(
            "dmadev_device_capability", .gauge, labels: ["capability"], from: .deviceInfo,
            help: "Whether the device has the capability (1) or not (0)."
        ) { reply in
            reply.reader("capabilities").points(label: "capability")
        },
    ]
}
