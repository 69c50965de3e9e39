import OpenMetricsText

extension MetricTable {
    /// The statistics of the sources' telemetry servers. DPDK's server has none.
    static let telemetryRows: [MetricRow] = [
        .telemetry(
            "dmadev_telemetry_clients", .gauge, from: .server, member: "clients",
            help: "Connected telemetry clients; the exporter is one of them."),
        .telemetry(
            "dmadev_telemetry_requests", .counter, from: .server, member: "requests",
            help: "Telemetry requests, successful or not."),
        .telemetry(
            "dmadev_telemetry_request_errors", .counter, from: .server, member: "errors",
            help: "Telemetry requests answered with null."),
        .telemetry(
            "dmadev_telemetry_cached_replies", .counter, from: .server, member: "cached",
            help: "Telemetry requests answered from the cache."),
        .telemetry(
            "dmadev_telemetry_accepted_clients", .counter, from: .server, member: "accepted",
            help: "Telemetry clients that were accepted."),
        .telemetry(
            "dmadev_telemetry_refused_clients", .counter, from: .server, member: "refusals",
            help: "Telemetry clients that were refused: no right, too many, or no file descriptors left."),
        .telemetry(
            "dmadev_telemetry_dropped_clients", .counter, from: .server, member: "dropped_clients",
            help: "Telemetry clients that were disconnected because they did not read."),
        .telemetry(
            "dmascope_telemetry_privileged_requests", .counter, labels: ["right"], from: .server,
            help: "Telemetry requests that needed more than the right to read, by right, and were permitted."
        ) { reply in
            let counts = reply.reader("privileged_requests")
            return ["reset", "control"].compactMap { right in
                counts.unsigned(right).map { MetricPoint(["right": right], .unsigned($0)) }
            }
        },
        .telemetry(
            "dmadev_telemetry_service_seconds", .counter, unit: "seconds", from: .server,
            help: "Time from the receipt of requests to the sending of their replies."
        ) { reply in
            guard let sum = reply.reader("service_time_ns").unsigned("sum") else { return [] }
            return [MetricPoint(.real(Double(sum) / 1e9))]
        },
    ]
}
