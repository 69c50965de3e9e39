import CommandSupport
import DMADev
import TelemetryWire
import TraceAnalysis

/// The report of a trace for programs. Times are nanoseconds.
struct TraceReportTree {
    private typealias Member = JSONTree.Member

    private let report: TraceReport

    init(_ report: TraceReport) {
        self.report = report
    }

    private static let quantiles: [(name: String, part: Double)] = [
        ("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99_9", 0.999),
    ]

    /// Everything, with the histograms' buckets.
    var tree: JSONTree {
        .object(
            [
                Member("incomplete", .array(report.losses.sentences.map(JSONTree.string))),
                Member("events", .unsigned(report.eventCount)),
                Member("first_event_ns", report.times.map { .integer($0.lowerBound) } ?? .null),
                Member("last_event_ns", report.times.map { .integer($0.upperBound) } ?? .null),
                Member("channels", .array(report.channels.map(Self.tree))),
                Member("engines", .array(report.engines.map(Self.tree))),
                Member("further_group_events", .unsigned(report.furtherGroupEvents)),
                Member(
                    "event_counts", .object(report.eventCounts.map { Member($0.name, .unsigned($0.count)) })),
            ] + TraceReportTable.all(report).map { Member($0.name, $0.tree) })
    }

    private static func tree(_ engine: TraceAnalysis.EngineReport) -> JSONTree {
        .object([
            Member("process", .string(engine.process)), Member("engine", .integer(Int64(engine.engine))),
            Member("sleeps", .unsigned(engine.sleeps)), Member("asleep_ns", .integer(engine.asleep)),
            Member("observed_ns", .integer(engine.observed)),
        ])
    }

    private static func tree(_ channel: ChannelReport) -> JSONTree {
        let statuses = channel.statuses.sorted { $0.key < $1.key }
        let kinds = channel.kinds.sorted { $0.key < $1.key }
        let occupancy = channel.occupancy
        return .object(
            row(channel).map { Member($0.name, $0.value) } + [
                Member(
                    "statuses",
                    .object(
                        statuses.map { Member("\(CompletionStatus(rawValue: $0.key))", .unsigned($0.value)) })),
                Member(
                    "kinds",
                    .object(
                        kinds.map {
                            Member($0.key == 0 ? "unknown" : TraceReportText.kind($0.key), .unsigned($0.value))
                        })),
                Member(
                    "latencies", .object(histograms(channel).map { Member($0.name, buckets($0.histogram)) })),
                Member("slowest", .array(channel.slowest.map(tree))),
                Member(
                    "occupancy",
                    .object([
                        Member("start_ns", .integer(occupancy.start)),
                        Member("step_ns", .integer(occupancy.length)),
                        Member("mean", .array(occupancy.steps.map { .double($0.mean) })),
                        Member("maximum", .array(occupancy.steps.map { .unsigned($0.maximum) })),
                    ])),
            ])
    }

    /// Upper end and count of each bucket with values.
    private static func buckets(_ histogram: LatencyHistogram) -> JSONTree {
        .array(histogram.buckets.map { .array([.unsigned($0.upTo), .unsigned($0.count)]) })
    }

    private static func tree(_ slow: ChannelReport.SlowOperation) -> JSONTree {
        let operation = slow.operation
        func optional(_ value: Int64?) -> JSONTree { value.map { .integer($0) } ?? .null }
        func time(_ value: Int64, _ part: TracedOperation.Parts) -> JSONTree {
            operation.parts.contains(part) ? .integer(value) : .null
        }
        return .object([
            Member("operation", .unsigned(slow.number)),
            Member("kind", .string(TraceReportText.kind(operation.kind))),
            Member("bytes", operation.parts.contains(.sized) ? .unsigned(operation.bytes) : .null),
            Member("status", .string("\(CompletionStatus(rawValue: operation.status))")),
            Member("rung_ns", time(operation.rungTime, .rung)),
            Member("started_ns", time(operation.startTime, .started)),
            Member("finished_ns", time(operation.finishTime, .finished)),
            Member("noticed_ns", time(operation.noticeTime, .noticed)),
            Member("queued", optional(operation.queueing)), Member("run", optional(operation.execution)),
            Member("notice", optional(operation.notice)), Member("total", optional(operation.total)),
        ])
    }

    private static func histograms(_ channel: ChannelReport) -> [(
        name: String, histogram: LatencyHistogram
    )] {
        [
            ("queued", channel.queueing), ("run", channel.execution), ("notice", channel.notice),
            ("total", channel.total),
        ]
    }

    /// The figures of a channel that are one value each, in the order of the columns.
    private static func row(_ channel: ChannelReport) -> [(name: String, value: JSONTree)] {
        var row: [(String, JSONTree)] = [
            ("process", .string(channel.process)), ("pid", .integer(Int64(channel.processID))),
            ("device", .integer(Int64(channel.device))),
            ("name", channel.deviceName.map(JSONTree.string) ?? .null),
            ("driver", channel.driver.map(JSONTree.string) ?? .null),
            ("vchan", .integer(Int64(channel.vchan))),
            ("starts", .unsigned(channel.rings)), ("submitted", .unsigned(channel.submitted)),
            ("completed", .unsigned(channel.completed)), ("bytes", .unsigned(channel.bytes)),
            ("failed", .unsigned(channel.completed - channel.statuses[0, default: 0])),
            ("duration_ns", .integer(channel.times.map { $0.upperBound - $0.lowerBound } ?? 0)),
            ("doorbells", .unsigned(channel.doorbells)),
            ("largest_batch", .unsigned(channel.largestBatch)),
            ("fences", .unsigned(channel.fences)), ("rejected_enqueues", .unsigned(channel.rejected)),
        ]
        for (name, histogram) in histograms(channel) {
            row.append(("\(name)_count", .unsigned(histogram.count)))
            for quantile in quantiles {
                row.append(
                    (
                        "\(name)_\(quantile.name)",
                        histogram.quantile(quantile.part).map { .unsigned($0) } ?? .null
                    ))
            }
            row.append(("\(name)_max", histogram.count > 0 ? .unsigned(histogram.maximum) : .null))
        }
        return row
    }

    /// A line for each row of a table, after one with the names of the columns.
    ///
    /// - Parameter name: that of a table; `nil` for the channels.
    func csv(of name: String?) -> String {
        let names: [String]
        let rows: [[JSONTree]]
        if let table = TraceReportTable.all(report).first(where: { $0.name == name }) {
            names = table.columns.map(\.name)
            rows = table.rows.map { $0.map(\.value) }
        } else {
            let channels = report.channels.map(Self.row)
            names = channels.first?.map(\.name) ?? ["process"]
            rows = channels.map { $0.map(\.value) }
        }
        let lines = rows.map { row in row.map(Self.cell).joined(separator: ",") }
        return ([names.joined(separator: ",")] + lines).joined(separator: "\n")
    }

    /// A field as in RFC 4180; empty for null.
    private static func cell(_ value: JSONTree) -> String {
        switch value {
        case .null: ""
        case .string(let text):
            text.contains { ",\"\n\r".contains($0) } ? "\"\(text.replacing("\"", with: "\"\""))\"" : text
        default: JSONOutput.compact(value)
        }
    }
}
