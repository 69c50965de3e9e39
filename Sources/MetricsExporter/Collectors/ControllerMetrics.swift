import OpenMetricsText

extension SourceCommand {
    static let controller = SourceCommand("/controller/stats", .process, witnesses: ["accepted", "joins"])
}

extension MetricTable {
    /// What a process has and has done that is the controller of others' devices.
    static let controllerRows: [MetricRow] = [
        .telemetry(
            "dmadev_controller_connections", .gauge, from: .controller, member: "connections",
            help: "Devices of other processes that the controller serves."),
        .telemetry(
            "dmadev_controller_rings", .gauge, from: .controller, member: "rings",
            help: "Rings of other processes that the controller's engine serves."),
        .telemetry(
            "dmadev_controller_windows", .gauge, from: .controller, member: "windows",
            help: "Stretches of memory that processes have registered with the controller."),
        .telemetry(
            "dmadev_controller_access_groups", .gauge, from: .controller, member: "groups",
            help: "Access groups of the controller."),
        .telemetry(
            "dmadev_controller_access_group_members", .gauge, from: .controller, member: "members",
            help: "Members of all access groups of the controller."),
        .telemetry(
            "dmadev_controller_joins", .counter, from: .controller, member: "joins",
            help: "Times that a domain joined an access group."),
        .telemetry(
            "dmadev_controller_denied_joins", .counter, from: .controller, member: "denied_joins",
            help: "Joins refused because of a wrong token or an access group that is not there."),
        .telemetry(
            "dmadev_controller_accepted_connections", .counter, from: .controller, member: "accepted",
            help: "Connections that the controller has taken."),
        .telemetry(
            "dmadev_controller_gone_connections", .counter, from: .controller, member: "gone",
            help: "Connections of the controller that have ended."),
        .telemetry(
            "dmadev_controller_refused_connections", .counter, from: .controller, member: "turned_away",
            help: "Connections that were turned away: too many, or no resources."),
        .telemetry(
            "dmadev_controller_refused_requests", .counter, from: .controller, member: "refused_requests",
            help: "Requests that the controller refused."),
        .telemetry(
            "dmadev_controller_refused_messages", .counter, from: .controller, member: "refused_messages",
            help: "Messages that no application sends; each ended its connection."),
    ]
}
