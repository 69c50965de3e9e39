internal import LibraryMetrics

/// What a controller tells swift-metrics, once a turn of its loop: its statistics.
struct ControllerMetrics: ~Copyable {
    private var connections = ToldLevel(.controllerConnections)
    private var accepted = ToldTotal(.controllerConnectionsAccepted)
    private var turnedAway = ToldTotal(.controllerConnectionsRefused)
    private var rings = ToldLevel(.controllerRings)
    private var windows = ToldLevel(.controllerWindows)
    private var groups = ToldLevel(.controllerGroups)
    private var refusedRequests = ToldTotal(.controllerRequestsRefused)
    private var refusedMessages = ToldTotal(.controllerMessagesRefused)
    private var quotaRefusals = ToldTotal(.controllerQuotaRefusals)
    private var joins = ToldTotal(.controllerJoins)
    private var deniedJoins = ToldTotal(.controllerJoinsRefused)

    mutating func tell(_ statistics: ControllerStatistics) {
        connections.update(to: statistics.connections)
        accepted.update(to: statistics.accepted)
        turnedAway.update(to: statistics.turnedAway)
        rings.update(to: statistics.rings)
        windows.update(to: statistics.windows)
        groups.update(to: statistics.groups)
        refusedRequests.update(to: statistics.refusedRequests)
        refusedMessages.update(to: statistics.refusedMessages)
        quotaRefusals.update(to: statistics.quotaRefusals)
        joins.update(to: statistics.joins)
        deniedJoins.update(to: statistics.deniedJoins)
    }
}
