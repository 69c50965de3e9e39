import OpenMetricsText

extension MetricTable {
    /// The statistics of the web server of the exporting process.
    static let webRows: [MetricRow] = [
        .row(
            "dmascope_http_requests", .counter, labels: ["path", "status"], .web { $0.requests },
            help: "HTTP requests to existing paths, by status."),
        .row(
            "dmascope_http_request_duration_seconds", .histogram, unit: "seconds", labels: ["path"],
            .web { $0.durations }, help: "Time from the head of an HTTP request to the head of its response."),
    ]
}
