import OpenMetricsText

extension MetricTable {
    /// What the telemetry servers of the sources count. DPDK's does not tell.
    static let telemetryRows: [MetricRow] = [
        .telemetry(
            "dmadev_telemetry_clients", .gauge, from: .server, member: "clients",
            help: "Telemetry clients that are connected; the exporter is one of them."),
        .telemetry(
            "dmadev_telemetry_requests", .counter, from: .server, member: "requests",
            help: "Telemetry requests, however answered."),
        .telemetry(
            "dmadev_telemetry_request_errors", .counter, from: .server, member: "errors",
            help: "Telemetry requests answered with null."),
        .telemetry(
            "dmadev_telemetry_cached_replies", .counter, from: .server, member: "cached",
            help: "Telemetry requests answered with text that was kept."),
        .telemetry(
            "dmadev_telemetry_accepted_clients", .counter, from: .server, member: "accepted",
            help: "Telemetry clients that were accepted."),
        .telemetry(
            "dmadev_telemetry_refused_clients", .counter, from: .server, member: "refusals",
            help: "Telemetry clients that were turned away: too many, or no descriptors left."),
        .telemetry(
            "dmadev_telemetry_dropped_clients", .counter, from: .server, member: "dropped_clients",
            help: "Telemetry clients that were cut off because they did not read."),
        .telemetry(
            "dmadev_telemetry_service_seconds", .counter, unit: "seconds", from: .server,
            help: "Time from requests received to their replies sent."
        ) { reply in
            guard let sum = reply.reader("service_time_ns").unsigned("sum") else { return [] }
            return [MetricPoint(.real(Double(sum) / 1e9))]
        },
    ]
}
