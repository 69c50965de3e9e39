import OpenMetricsText

/// Every exported metric. To add one, add a row to a table in `Collectors` and a line to the page Metrics, which a test
/// compares.
public enum MetricTable {
    /// All rows, in the order of the text formats.
    public static let rows: [MetricRow] =
        deviceRows + channelRows + counterRows + engineRows + memoryRows + interconnectRows + groupRows + controllerRows
        + telemetryRows + kernelRows + bufferRows + scrapeRows + webRows + processRows

    /// The table in Markdown: name, type, labels, origin of the values, meaning.
    public static var markdown: String {
        let titles = ["metric", "type", "labels", "from", "meaning"]
        let lines = rows.map { row in
            [
                "`\(row.description.seriesName)`", row.description.kind.rawValue,
                row.allLabels.map { "`\($0)`" }.joined(separator: " "), row.origin.text, row.description.help,
            ]
        }
        return ([titles, titles.map { _ in "---" }] + lines).map { "| \($0.joined(separator: " | ")) |\n" }.joined()
    }
}

extension MetricRow.Origin {
    fileprivate var text: String {
        switch self {
        case .telemetry(let commands, _): commands.map { "`\($0.path)`" }.joined(separator: ", else ")
        case .scrape: "the exporter"
        case .process: "`/proc/self`"
        case .web: "the web server"
        case .kernel: "`/sys`"
        case .buffers: "`/proc` and `/sys`"
        }
    }
}

/// Short forms for rows of tables.
extension MetricRow {
    /// A row whose values a closure reads from a reply.
    static func telemetry(
        _ name: String, _ kind: MetricDescription.Kind, unit: String? = nil, labels: [String] = [],
        from commands: SourceCommand..., help: String, take: @escaping @Sendable (JSONReader) -> [MetricPoint]
    ) -> MetricRow {
        MetricRow(
            description: MetricDescription(name, kind, unit: unit, help: help), labels: labels,
            origin: .telemetry(commands) { take(JSONReader($0)) })
    }

    /// A row with one value: a member of the reply.
    static func telemetry(
        _ name: String, _ kind: MetricDescription.Kind, unit: String? = nil, from commands: SourceCommand...,
        member: String, help: String
    ) -> MetricRow {
        MetricRow(
            description: MetricDescription(name, kind, unit: unit, help: help), labels: [],
            origin: .telemetry(commands) { reply in JSONReader(reply).number(member).map { [MetricPoint($0)] } ?? [] })
    }

    /// A row whose values do not come from telemetry.
    static func row(
        _ name: String, _ kind: MetricDescription.Kind, unit: String? = nil, labels: [String] = [], _ origin: Origin,
        help: String
    ) -> MetricRow {
        MetricRow(description: MetricDescription(name, kind, unit: unit, help: help), labels: labels, origin: origin)
    }
}

extension MetricPoint {
    /// A point whose row names no labels.
    init(_ number: MetricNumber) { self.init([:], number) }

    /// A point whose row names no labels.
    init(_ histogram: MetricHistogram) { self.init([:], histogram) }

    /// The point of an info metric: the value is always 1.
    static func info(_ labels: LabelSet) -> MetricPoint { MetricPoint(labels, .unsigned(1)) }
}
