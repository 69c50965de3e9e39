import OpenMetricsText

extension MetricTable {
    /// Series of peers and of domains of one controller. There may be more of them: their sums are told without labels.
    private static let most = 256

    /// What controllers move for devices of other processes.
    static let controllerRows: [MetricRow] = [
        .telemetry(
            "dmadev_controller_connections", .gauge, from: .controller, member: "connections",
            help: "Devices of other processes that are connected with the controller."),
        .telemetry(
            "dmadev_controller_access_groups", .gauge, from: .controller, member: "groups",
            help: "Access groups that the controller holds."),
        .telemetry(
            "dmadev_controller_access_group_members", .gauge, from: .controller, member: "members",
            help: "Members of all access groups of the controller."),
        .telemetry(
            "dmadev_controller_rings", .gauge, from: .controller, member: "rings",
            help: "Rings of other processes that the controller's engine serves."),
        .telemetry(
            "dmadev_controller_windows", .gauge, from: .controller, member: "windows",
            help: "Stretches of memory of other processes that the controller has mapped."),
        .telemetry(
            "dmadev_controller_memory_bytes", .gauge, unit: "bytes", from: .controller, member: "memory_bytes",
            help: "Bytes of these stretches and of rings, in whole pages, as quotas count them."),
        .telemetry(
            "dmadev_controller_operations", .counter, from: .controller, member: "operations",
            help: "Operations that the controller has finished for other processes, failed ones included."),
        .telemetry(
            "dmadev_controller_operation_errors", .counter, from: .controller, member: "errors",
            help: "Operations of other processes that ended with another status than successful."),
        .telemetry(
            "dmadev_controller_moved_bytes", .counter, unit: "bytes", from: .controller, member: "bytes",
            help: "Bytes that the controller has moved for other processes."),
        .telemetry(
            "dmadev_controller_refused_accesses", .counter, from: .controller, member: "refused_accesses",
            help: "Operations that named memory of another domain which they may not reach."),
        .telemetry(
            "dmadev_controller_joins", .counter, from: .controller, member: "joins",
            help: "Times that a domain joined an access group of another one."),
        .telemetry(
            "dmadev_controller_denied_joins", .counter, from: .controller, member: "denied_joins",
            help: "Tries to join an access group with a wrong token, or one that is not there."),
        .telemetry(
            "dmadev_controller_refused_requests", .counter, from: .controller, member: "refused_requests",
            help: "Requests of applications that the controller refused."),
        .telemetry(
            "dmadev_controller_refused_messages", .counter, from: .controller, member: "refused_messages",
            help: "Messages that no application sends; each has ended its connection."),
        .telemetry(
            "dmadev_controller_quota_refusals", .counter, from: .controller, member: "quota_refusals",
            help: "Connections and requests that the controller refused because a quota of a user, or a table, is full."
        ),
        .telemetry(
            "dmadev_controller_refused_connections", .counter, from: .controller, member: "turned_away",
            help: "Connections that the controller did not take: too many, or no resources."),
        .telemetry(
            "dmadev_controller_accepted_connections", .counter, from: .controller, member: "accepted",
            help: "Connections that the controller has taken."),
        .telemetry(
            "dmadev_controller_gone_connections", .counter, from: .controller, member: "gone",
            help: "Connections of the controller that have ended."),
        peers(
            "dmadev_controller_peer_operations", "operations", "Operations finished for the connection; the first 256."),
        peers(
            "dmadev_controller_peer_moved_bytes", "bytes", unit: "bytes",
            "Bytes moved for the connection; the first 256."),
        domains(
            "dmadev_controller_domain_read_bytes", "read_bytes",
            "Bytes that other members have read from the windows of the domain; the first 256."),
        domains(
            "dmadev_controller_domain_written_bytes", "written_bytes",
            "Bytes that other members have written to the windows of the domain; the first 256."),
    ]

    private static func peers(_ name: String, _ member: String, unit: String? = nil, _ help: String) -> MetricRow {
        .telemetry(
            name, .counter, unit: unit, labels: ["connection", "peer_pid", "uid"], from: .controllerPeers, help: help
        ) { reply in
            reply.elements.prefix(most).compactMap { peer in
                peer.number(member).map {
                    MetricPoint(
                        [
                            "connection": peer.label("number"), "peer_pid": peer.label("pid"),
                            "uid": peer.label("uid"),
                        ], $0)
                }
            }
        }
    }

    private static func domains(_ name: String, _ member: String, _ help: String) -> MetricRow {
        .telemetry(
            name, .counter, unit: "bytes", labels: ["group", "domain"], from: .controllerDomains, help: help
        ) { reply in
            reply.elements.prefix(most).compactMap { domain in
                domain.number(member).map {
                    MetricPoint(["group": domain.label("group_id"), "domain": domain.label("domain_id")], $0)
                }
            }
        }
    }
}
