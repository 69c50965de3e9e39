import LibraryMetrics

/// What a server tells swift-metrics, once a turn of its loop: the figures of `/telemetry/stats`.
struct ServerMetrics: ~Copyable {
    private var requests = ToldTotal(.telemetryRequests)
    private var errors = ToldTotal(.telemetryRequestErrors)
    private var clients = ToldLevel(.telemetryClients)
    private var refused = ToldTotal(.telemetryClientsRefused)
    private var dropped = ToldTotal(.telemetryClientsDropped)

    mutating func tell(_ state: ServerState) {
        requests.update(to: state.statistics.requests)
        errors.update(to: state.statistics.errors)
        clients.update(to: state.clients.count)
        refused.update(to: state.statistics.refusals)
        dropped.update(to: state.statistics.dropped)
    }
}
