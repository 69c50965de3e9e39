import OpenMetricsText

extension MetricTable {
    /// What the web server of the exporting process counts.
    static let webRows: [MetricRow] = [
        .row(
            "dmascope_http_requests", .counter, labels: ["path", "status"], .web { $0.requests },
            help: "HTTP requests to known paths, by status."),
        .row(
            "dmascope_http_request_duration_seconds", .histogram, unit: "seconds", labels: ["path"],
            .web { $0.durations }, help: "Time from an HTTP request's head to its response's."),
    ]
}
