/// A figure that a library of this package tells swift-metrics about itself: the one table. The raw value is the label,
/// and what a case counts is said by its ``help``.
///
/// A new one is a case and a row in `row`; the exporter's table and page follow.
public enum LibraryMetric: String, CaseIterable, Sendable {
    case telemetryRequests = "dmascope.telemetry.requests"
    case telemetryRequestErrors = "dmascope.telemetry.request.errors"
    case telemetryClients = "dmascope.telemetry.clients"
    case telemetryClientsRefused = "dmascope.telemetry.clients.refused"
    case telemetryClientsDropped = "dmascope.telemetry.clients.dropped"
    case httpRequests = "dmascope.http.requests"
    case httpRequestDuration = "dmascope.http.request.duration"
    case controllerConnections = "dmascope.controller.connections"
    case controllerConnectionsAccepted = "dmascope.controller.connections.accepted"
    case controllerConnectionsRefused = "dmascope.controller.connections.refused"
    case controllerRings = "dmascope.controller.rings"
    case controllerWindows = "dmascope.controller.windows"
    case controllerGroups = "dmascope.controller.groups"
    case controllerRequestsRefused = "dmascope.controller.requests.refused"
    case controllerMessagesRefused = "dmascope.controller.messages.refused"
    case controllerQuotaRefusals = "dmascope.controller.quota.refusals"
    case controllerJoins = "dmascope.controller.joins"
    case controllerJoinsRefused = "dmascope.controller.joins.refused"
    case exporterSweepDuration = "dmascope.exporter.sweep.duration"
    case exporterSourcesFailed = "dmascope.exporter.sources.failed"

    /// The types of swift-metrics that are used.
    public enum Kind: Sendable {
        /// A `Counter`.
        case counter
        /// A `Meter`. Several of one process add up: each is told of changes only.
        case level
        /// A `Timer`.
        case timer
    }

    /// The type.
    public var kind: Kind { row.kind }
    /// The names of its dimensions. Their values come from short lists, never from a peer.
    public var dimensions: [String] { row.dimensions }
    /// One sentence for people.
    public var help: String { row.help }

    private typealias Row = (kind: Kind, dimensions: [String], help: String)

    private var row: Row {
        switch self {
        case .telemetryRequests: (.counter, [], "Requests that the telemetry servers of this process received.")
        case .telemetryRequestErrors: (.counter, [], "Telemetry requests that this process answered with null.")
        case .telemetryClients: (.level, [], "Clients that are connected to the telemetry servers of this process.")
        case .telemetryClientsRefused:
            (.counter, [], "Telemetry clients turned away: too many, or no descriptors left.")
        case .telemetryClientsDropped: (.counter, [], "Telemetry clients cut off because they did not read.")
        case .httpRequests: (.counter, ["path", "status"], "HTTP requests to known paths, by status.")
        case .httpRequestDuration: (.timer, ["path"], "Time from an HTTP request's head to its response's.")
        case .controllerConnections: (.level, [], "Connections to the controller, each of which is a device.")
        case .controllerConnectionsAccepted: (.counter, [], "Connections that the controller has taken.")
        case .controllerConnectionsRefused:
            (.counter, [], "Connections that the controller turned away: too many, a quota, or no descriptors left.")
        case .controllerRings: (.level, [], "Rings that the controller's engine serves.")
        case .controllerWindows: (.level, [], "Stretches of memory that are registered with the controller.")
        case .controllerGroups: (.level, [], "Access groups of the controller.")
        case .controllerRequestsRefused: (.counter, [], "Requests that the controller refused.")
        case .controllerMessagesRefused:
            (.counter, [], "Messages to the controller that no application sends; each ended its connection.")
        case .controllerQuotaRefusals: (.counter, [], "Refusals because a quota of a user, or a table, is full.")
        case .controllerJoins: (.counter, [], "Joins of access groups that succeeded.")
        case .controllerJoinsRefused: (.counter, [], "Joins of access groups with a wrong token, or of none.")
        case .exporterSweepDuration: (.timer, [], "Time to ask all telemetry sources for metrics.")
        case .exporterSourcesFailed: (.counter, ["reason"], "Telemetry sources that gave no metrics, by reason.")
        }
    }
}
