import OpenMetricsText

extension MetricTable {
    /// The device is the first one that is in the group: without a number of their controllers, only devices tell groups
    /// of the same number apart.
    private static let groupLabels = ["controller_id", "group", "kind", "device"]

    /// The access groups that the devices of a process are in, as the process knows them.
    static let groupRows: [MetricRow] = [
        .telemetry(
            "dmadev_access_groups", .gauge, from: .groups, help: "Access groups that devices of the process are in."
        ) { reply in
            [MetricPoint(.unsigned(UInt64(reply.elements.count)))]
        },
        .telemetry(
            "dmadev_access_group_members", .gauge, labels: groupLabels, from: .groups,
            help: "Members of the access group, its creator included, by the word of the process."
        ) { groups($0, "size") },
        .telemetry(
            "dmadev_access_group_members_limit", .gauge, labels: groupLabels, from: .groups,
            help: "Members that the access group can have."
        ) { groups($0, "limit") },
        .telemetry(
            "dmadev_access_group_events", .counter, from: .groupEvent,
            help: "Events of access groups that the process was told: who joined, who left, what was destroyed."
        ) { reply in
            [MetricPoint(.unsigned(reply.elements.first?.unsigned("number") ?? 0))]
        },
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
