import TelemetryWire

extension ServerCommand {
    /// `/telemetry/stats`: the server's counters.
    static let statistics = ServerCommand(
        path: "/telemetry/stats",
        help: "Returns the telemetry server's counters: requests, errors (answered with null), cached (answered from"
            + " the reply cache), clients, accepted, refusals, dropped_clients, service_time_ns, privileged_requests by the right that they needed. Takes no parameters"
    ) { state, _ in
        let statistics = state.statistics
        var time = JSONValue.object()
        // The current request is in `requests`, but not yet in `count`.
        time.set("count", statistics.served)
        time.set("sum", statistics.serviceSum)
        time.set("max", statistics.serviceMaximum)
        var object = JSONValue.object()
        object.set("requests", statistics.requests)
        object.set("errors", statistics.errors)
        object.set("cached", statistics.cached)
        object.set("clients", state.clients.count)
        object.set("accepted", statistics.accepted)
        object.set("refusals", statistics.refusals)
        object.set("dropped_clients", statistics.dropped)
        object.set("service_time_ns", time)
        var privileged = JSONValue.object()
        for right in TelemetryRight.allCases where right != .read {
            privileged.set(name: right.rawValue, statistics.privileged[right, default: 0])
        }
        object.set("privileged_requests", privileged)
        return object
    }
}
