import OpenMetricsText

extension MetricTable {
    /// `device` is the first device in the group. It distinguishes groups with the same ID when the controllers have no ID.
    private static let groupLabels = ["controller_id", "group", "kind", "device"]

    /// The access groups of a process's devices, as the process reports them.
    static let groupRows: [MetricRow] = [
        .telemetry(
            "dmadev_access_groups", .gauge, from: .groups, help: "Access groups with a device of the process."
        ) { reply in
            [MetricPoint(.unsigned(UInt64(reply.elements.count)))]
        },
        .telemetry(
            "dmadev_access_group_members", .gauge, labels: groupLabels, from: .groups,
            help: "Members of the access group, its creator included, as the process reports them."
        ) { groups($0, "size") },
        .telemetry(
            "dmadev_access_group_members_limit", .gauge, labels: groupLabels, from: .groups,
            help: "Maximum number of members of the access group."
        ) { groups($0, "limit") },
        .telemetry(
            "dmadev_access_group_events", .counter, labels: ["event"], from: .groupEventCounts,
            help: "Access group events by kind: in the controller's process all that happened, in others those that "
                + "devices of the process received."
        ) { $0.points(label: "event") },
    ]

    private static func groups(_ reply: JSONReader, _ member: String) -> [MetricPoint] {
        reply.elements.compactMap { group in
            group.number(member).map { number in
                MetricPoint(
                    [
                        "controller_id": group.label("controller_id"), "group": group.label("group_id"),
                        "kind": group.label("kind"), "device": group.labels("devices").first ?? "",
                    ], number)
            }
        }
    }
}
