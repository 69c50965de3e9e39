import OpenMetricsText
import TelemetryClient
import TelemetryWire

extension MetricTable {
    private static let sourceLabels = ScrapeSource.labelNames

    /// The results of the collection itself.
    static let scrapeRows: [MetricRow] = [
        .row(
            "dmascope_scrape_success", .gauge, labels: sourceLabels,
            .scrape { round in
                round.answers.map { MetricPoint($0.source.labels, .unsigned($0.outcome?.failure == nil ? 1 : 0)) }
            }, help: "Whether the source answered all requests (1) or not (0)."),
        .row(
            "dmascope_scrape_duration_seconds", .gauge, unit: "seconds", labels: sourceLabels,
            .scrape { round in
                round.answers.map { MetricPoint($0.source.labels, .real(Double($0.outcome?.nanoseconds ?? 0) / 1e9)) }
            }, help: "Time to read the source."),
        .row(
            "dmascope_scrape_failure", .info, labels: sourceLabels + ["reason"],
            .scrape { round in
                round.answers.compactMap { answer in
                    answer.outcome?.failure.map { .info(answer.source.labels + ["reason": $0.code.description]) }
                }
            },
            help: "The reason why a source has no metrics; permissionDenied and unreadable: it could not be looked at."),
        .row(
            "dmascope_scrape_failures", .counter, labels: ["reason"],
            .scrape { round in
                round.failureCounts.sorted { $0.key < $1.key }
                    .map { reason, count in MetricPoint(["reason": reason], .unsigned(count)) }
            }, help: "Failed reads of a source, by reason."),
        .row(
            "dmascope_source", .info, labels: sourceLabels + ["pid", "program", "version", "socket", "source_uid"],
            .scrape { round in
                round.answers.map { answer in
                    let process = round.processes[answer.source]
                    let words = process.version.split(separator: " ", maxSplits: 1)
                    return .info(
                        answer.source.labels + [
                            "pid": process.pid.map { "\($0)" } ?? "",
                            "program": JSONReader.label(words.first.map(String.init) ?? ""),
                            "version": JSONReader.label(words.count > 1 ? String(words[1]) : ""),
                            "socket": answer.source.path, "source_uid": answer.source.uid.map { "\($0)" } ?? "",
                        ])
                }
            },
            help: "Process of the source and owner of its socket. Join by run_directory, prefix and prefix_instance."),
        .row(
            "dmascope_sources", .gauge, labels: ["state"],
            .scrape { round in
                var counts: [TelemetryClientError.Code?: Int] = [:]
                for answer in round.answers { counts[answer.outcome?.failure?.code, default: 0] += 1 }
                for (code, count) in round.omitted { counts[code, default: 0] += count }
                let unread: [(String, TelemetryClientError.Code)] = [
                    ("untrusted", .untrusted), ("not_permitted", .permissionDenied), ("unreadable", .unreadable),
                ]
                let failing = counts.filter { code, _ in code != nil && !unread.contains { $0.1 == code } }
                let states =
                    [("answering", counts[nil] ?? 0), ("failing", failing.values.reduce(0, +))]
                    + unread.map { ($0.0, counts[$0.1] ?? 0) } + [("stale", round.staleCount)]
                return states.map { MetricPoint(["state": $0.0], .unsigned(UInt64($0.1))) }
            },
            help: """
                Telemetry sockets found, by state. A stale socket has no listener: its process was killed. An untrusted \
                one is of a user whose sources are not read, a not_permitted one of a user whose sources this user may not \
                read. unreadable: directories that may have sockets and cannot be read.
                """),
        .row(
            "dmascope_collection_duration_seconds", .gauge, unit: "seconds",
            .scrape { [MetricPoint(.real(Double($0.nanoseconds) / 1e9))] },
            help: "Time to read all sources."),
        .row(
            "dmascope_build", .info, labels: ["version"],
            .scrape { _ in [.info(["version": DmascopeVersion.number])] }, help: "Version of the exporting dmascope."),
    ]
}
