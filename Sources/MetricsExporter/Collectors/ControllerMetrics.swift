import OpenMetricsText

extension MetricTable {
    /// The most series of peers, and of domains, of one controller. The totals of all are the metrics without these labels.
    private static let seriesLimit = 256

    /// The activity of controllers for devices of other processes.
    static let controllerRows: [MetricRow] = [
        .telemetry(
            "dmadev_controller_connections", .gauge, from: .controller, member: "connections",
            help: "Devices of other processes that are connected to the controller."),
        .telemetry(
            "dmadev_controller_access_groups", .gauge, from: .controller, member: "groups",
            help: "Access groups of the controller."),
        .telemetry(
            "dmadev_controller_access_group_members", .gauge, from: .controller, member: "members",
            help: "Members of all access groups of the controller."),
        .telemetry(
            "dmadev_controller_rings", .gauge, from: .controller, member: "rings",
            help: "Rings of other processes that the controller's engine serves."),
        .telemetry(
            "dmadev_controller_windows", .gauge, from: .controller, member: "windows",
            help: "Memory regions (windows) of other processes that the controller has mapped."),
        .telemetry(
            "dmadev_controller_memory_bytes", .gauge, unit: "bytes", from: .controller, member: "memory_bytes",
            help: "Bytes of these regions and of rings, in whole pages, as quotas count them."),
        .telemetry(
            "dmadev_controller_operations", .counter, from: .controller, member: "operations",
            help: "Operations that the controller has finished for other processes, failed ones included."),
        .telemetry(
            "dmadev_controller_operation_errors", .counter, from: .controller, member: "errors",
            help: "Operations of other processes that ended with a status other than successful."),
        .telemetry(
            "dmadev_controller_moved_bytes", .counter, unit: "bytes", from: .controller, member: "bytes",
            help: "Bytes that the controller has moved for other processes."),
        .telemetry(
            "dmadev_controller_refused_accesses", .counter, from: .controller, member: "refused_accesses",
            help: "Operations refused because they named memory of another domain without permission."),
        .telemetry(
            "dmadev_controller_joins", .counter, from: .controller, member: "joins",
            help: "Successful joins of a domain to an access group of another domain."),
        .telemetry(
            "dmadev_controller_denied_joins", .counter, from: .controller, member: "denied_joins",
            help: "Joins denied because the token was wrong or the access group did not exist."),
        .telemetry(
            "dmadev_controller_refused_requests", .counter, from: .controller, member: "refused_requests",
            help: "Requests of applications that the controller refused."),
        .telemetry(
            "dmadev_controller_invalid_messages", .counter, from: .controller, member: "invalid_messages",
            help: "Messages that violate the protocol; each closes its connection."),
        .telemetry(
            "dmadev_controller_quota_refusals", .counter, from: .controller, member: "quota_refusals",
            help: "Connections and requests refused because a quota of a user, or a table, was full."),
        .telemetry(
            "dmadev_controller_refused_connections", .counter, from: .controller, member: "refused_connections",
            help: "Connections that the controller refused: too many, or no resources."),
        .telemetry(
            "dmadev_controller_accepted_connections", .counter, from: .controller, member: "accepted",
            help: "Connections that the controller has accepted."),
        .telemetry(
            "dmadev_controller_closed_connections", .counter, from: .controller, member: "closed",
            help: "Connections of the controller that are closed."),
        .telemetry(
            "dmadev_controller_published_maps", .counter, from: .controller, member: "published_maps",
            help: "Access maps of devices that the controller has published: one a member of a group that changed."),
        .telemetry(
            "dmadev_controller_quiescent_points", .counter, from: .controller, member: "quiescent_points",
            help: "Quiescent points of its engine that the controller has requested."),
        .telemetry(
            "dmadev_controller_rebuilt_bytes", .counter, unit: "bytes", from: .controller, member: "rebuilt_bytes",
            help: "Bytes of tables and reports that were built because access groups changed."),
        peers(
            "dmadev_controller_peer_operations", "operations",
            "Operations finished for the connection; at most 256 series."),
        peers(
            "dmadev_controller_peer_moved_bytes", "bytes", unit: "bytes",
            "Bytes moved for the connection; at most 256 series."),
        domains(
            "dmadev_controller_domain_read_bytes", "read_bytes",
            "Bytes that other members have read from the windows of the domain; at most 256 series."),
        domains(
            "dmadev_controller_domain_written_bytes", "written_bytes",
            "Bytes that other members have written to the windows of the domain; at most 256 series."),
    ]

    private static func peers(_ name: String, _ member: String, unit: String? = nil, _ help: String) -> MetricRow {
        .telemetry(
            name, .counter, unit: unit, labels: ["connection", "peer_pid", "uid", "os_domain"], from: .controllerPeers,
            help: help
        ) { reply in
            reply.elements.prefix(seriesLimit).compactMap { peer in
                peer.number(member).map {
                    MetricPoint(
                        [
                            "connection": peer.label("number"), "peer_pid": peer.label("pid"),
                            "uid": peer.label("uid"), "os_domain": peer.label("os_domain"),
                        ], $0)
                }
            }
        }
    }

    private static func domains(_ name: String, _ member: String, _ help: String) -> MetricRow {
        .telemetry(
            name, .counter, unit: "bytes", labels: ["group", "domain", "os_domain"], from: .controllerDomains,
            help: help
        ) { reply in
            reply.elements.prefix(seriesLimit).compactMap { domain in
                domain.number(member).map {
                    MetricPoint(
                        [
                            "group": domain.label("group_id"), "domain": domain.label("domain_id"),
                            "os_domain": domain.label("os_domain"),
                        ], $0)
                }
            }
        }
    }
}
