import OpenMetricsText
import TelemetryClient
import TelemetryWire

extension MetricTable {
    private static let sourceLabels = ["prefix", "prefix_instance"]

    /// How the exporter itself does.
    static let scrapeRows: [MetricRow] = [
        .row(
            "dmascope_scrape_success", .gauge, labels: sourceLabels,
            .scrape { round in
                round.answers.map { MetricPoint($0.source.labels, .unsigned($0.outcome?.failure == nil ? 1 : 0)) }
            }, help: "Whether the source answered all that it was asked (1) or not (0)."),
        .row(
            "dmascope_scrape_duration_seconds", .gauge, unit: "seconds", labels: sourceLabels,
            .scrape { round in
                round.answers.map { MetricPoint($0.source.labels, .real(Double($0.outcome?.nanoseconds ?? 0) / 1e9)) }
            }, help: "How long it took to ask the source."),
        .row(
            "dmascope_scrape_failure", .info, labels: sourceLabels + ["reason"],
            .scrape { round in
                round.answers.compactMap { answer in
                    answer.outcome?.failure.map { .info(answer.source.labels + ["reason": $0.code.description]) }
                }
            }, help: "Why a source gave no metrics."),
        .row(
            "dmascope_scrape_failures", .counter, labels: ["reason"],
            .scrape { round in
                round.failureCounts.sorted { $0.key < $1.key }
                    .map { reason, count in MetricPoint(["reason": reason], .unsigned(count)) }
            }, help: "Times that a source gave no metrics, by reason."),
        .row(
            "dmascope_source", .info, labels: ScrapeSource.labelNames + ["program", "version", "socket"],
            .scrape { round in
                round.answers.map { answer in
                    let words = (answer.greeting?.version ?? "").split(separator: " ", maxSplits: 1)
                    return .info(
                        answer.source.labels + [
                            "pid": answer.process.map { "\($0)" } ?? "",
                            "program": JSONReader.label(words.first.map(String.init) ?? ""),
                            "version": JSONReader.label(words.count > 1 ? String(words[1]) : ""),
                            "socket": answer.source.path,
                        ])
                }
            }, help: "What the source is: join it by prefix, prefix_instance and pid."),
        .row(
            "dmascope_sources", .gauge, labels: ["state"],
            .scrape { round in
                let failed = round.answers.count { $0.outcome?.failure != nil }
                let states = [
                    ("answering", round.answers.count - failed), ("failing", failed), ("dead", round.deadCount),
                ]
                return states.map { MetricPoint(["state": $0.0], .unsigned(UInt64($0.1))) }
            }, help: "Telemetry sockets found, by state; nobody listens on dead ones any more."),
        .row(
            "dmascope_collection_duration_seconds", .gauge, unit: "seconds",
            .scrape { [MetricPoint(.real(Double($0.nanoseconds) / 1e9))] },
            help: "How long it took to ask all sources."),
        .row(
            "dmascope_build", .info, labels: ["version"],
            .scrape { _ in [.info(["version": DmascopeVersion.number])] }, help: "Which dmascope exports."),
    ]
}
