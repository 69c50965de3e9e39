import OpenMetricsText

extension MetricTable {
    /// The properties of devices.
    static let deviceRows: [MetricRow] = [
        .telemetry("dmadev_devices", .gauge, from: .deviceList, help: "DMA devices of the process.") { reply in
            [MetricPoint(.unsigned(UInt64(reply.elements.count)))]
        },
        .telemetry(
            "dmadev_device", .info, labels: ["driver", "class", "controller_id", "numa_node"], from: .deviceInfo,
            help: "Properties of the device. An empty label is a value that the process does not report."
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
            help: "Whether the device shares its engine with other devices (1) or not (0)."),
        .telemetry(
            "dmadev_device_observed", .gauge, from: .deviceInfo, member: "observed",
            help: "1 for a device of a DPDK application that dmascope observes; other devices have no series."),
        .telemetry(
            "dmadev_device_vchans", .gauge, from: .deviceInfo, member: "nb_vchans",
            help: "Virtual channels configured on the device."),
        .telemetry(
            "dmadev_device_vchans_limit", .gauge, from: .deviceInfo, member: "max_vchans",
            help: "Maximum number of virtual channels of the device."),
        .telemetry(
            "dmadev_device_priorities", .gauge, from: .deviceInfo, member: "nb_priorities",
            help: "Priority levels of the device."),
        .telemetry(
            "dmadev_device_descriptors_minimum", .gauge, from: .deviceInfo, member: "min_desc",
            help: "Minimum number of descriptors of a ring."),
        .telemetry(
            "dmadev_device_descriptors_limit", .gauge, from: .deviceInfo, member: "max_desc",
            help: "Maximum number of descriptors of a ring."),
        .telemetry(
            "dmadev_device_sg_entries_limit", .gauge, from: .deviceInfo, member: "max_sges",
            help: "Maximum number of entries of a scatter-gather list."),
        .telemetry(
            "dmadev_device_access_groups_limit", .gauge, from: .deviceInfo, member: "nb_access_groups",
            help: "Maximum number of access groups of the device's controller."),
        .telemetry(
            "dmadev_device_capability", .gauge, labels: ["capability"], from: .deviceInfo,
            help: "Whether the device has the capability (1) or not (0)."
        ) { reply in
            reply.reader("capabilities").points(label: "capability")
        },
    ]
}
