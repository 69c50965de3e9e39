import CommandSupport
import DMADev
import Glibc
import TraceAnalysis

/// The report of a trace for people.
struct TraceReportText {
    private let report: TraceReport
    private let isBold = StandardStreams.outputTakesColor

    init(_ report: TraceReport) {
        self.report = report
    }

    /// What was lost, and then a section for each kind of result.
    var text: String {
        let losses = report.losses.sentences.map { StandardStreams.printable("incomplete: \($0)") }
        let sections =
            [
                losses.joined(separator: "\n"), summary, operations, latencies, rings, slowest, engines,
            ] + TraceReportTable.all(report).map { $0.text(bold: isBold) } + [furtherGroups, events]
        return sections.filter { !$0.isEmpty }.joined(separator: "\n\n")
    }

    private var summary: String {
        guard let times = report.times else { return "No events." }
        return "\(report.eventCount) events in "
            + Quantity.time(nanoseconds: Double(times.upperBound - times.lowerBound))
            + ", from \(Self.time(times.lowerBound)) to \(Self.time(times.upperBound))"
    }

    private var operations: String {
        guard !report.channels.isEmpty else {
            return
                "No event of an operation: `dmascope trace list` lists the events, and how to record them."
        }
        return section([
            ("SUBMITTED", .right), ("COMPLETED", .right), ("OPS/S", .right), ("BYTES", .right),
            ("BYTES/S", .right),
            ("FAILED", .right), ("STATUSES", .left),
        ]) { channel in
            let failures = channel.statuses.filter { $0.key != 0 }.sorted { $0.value > $1.value }
            let rate = channel.seconds > 0 ? 1 / channel.seconds : nil
            return [
                "\(channel.submitted)", "\(channel.completed)",
                rate.map { Quantity.count(Double(channel.completed) * $0) } ?? "-",
                Quantity.bytes(Double(channel.bytes)),
                rate.map { Quantity.bytes(Double(channel.bytes) * $0) } ?? "-",
                "\(failures.reduce(0) { $0 + $1.value })",
                failures.map { "\(CompletionStatus(rawValue: $0.key)) \($0.value)" }.joined(
                    separator: ", "),
            ]
        }
    }

    private var latencies: String {
        var table = Self.table([
            ("TIME", .left), ("COUNT", .right), ("MEAN", .right), ("P50", .right), ("P90", .right),
            ("P99", .right),
            ("P99.9", .right), ("MAX", .right),
        ])
        for channel in report.channels {
            let kinds = [
                ("queued", channel.queueing), ("run", channel.execution), ("notice", channel.notice),
                ("total", channel.total),
            ]
            for (name, histogram) in kinds where histogram.count > 0 {
                let quantiles = [0.5, 0.9, 0.99, 0.999].map { Self.duration(histogram.quantile($0)) }
                table.add(
                    Self.names(channel) + [
                        name, "\(histogram.count)", Quantity.time(nanoseconds: histogram.mean ?? 0),
                    ] + quantiles + [Self.duration(histogram.maximum)])
            }
        }
        return table.isEmpty ? "" : table.text(bold: isBold)
    }

    private var rings: String {
        guard !report.channels.isEmpty else { return "" }
        return section([
            ("STARTS", .right), ("DOORBELLS", .right), ("OPS/DOORBELL", .right), ("MOST", .right),
            ("FENCES", .right),
            ("REJECTED", .right), ("RING USED", .left),
        ]) { channel in
            let bells = channel.doorbells
            return [
                "\(channel.rings)", bells > 0 ? "\(bells)" : "-",
                bells > 0 ? decimal(Double(channel.submitted) / Double(bells), places: 1) : "-",
                bells > 0 ? "\(channel.largestBatch)" : "-", "\(channel.fences)", "\(channel.rejected)",
                Self.graph(channel.occupancy),
            ]
        }
    }

    private var slowest: String {
        var table = Self.table([
            ("SLOW", .right), ("AT", .left), ("KIND", .left), ("BYTES", .right), ("STATUS", .left),
            ("QUEUED", .right),
            ("RUN", .right), ("NOTICE", .right), ("TOTAL", .right),
        ])
        for channel in report.channels {
            for slow in channel.slowest.prefix(3) {
                let operation = slow.operation
                let times = [operation.queueing, operation.execution, operation.notice, operation.total]
                table.add(
                    Self.names(channel) + [
                        "\(slow.number)",
                        operation.parts.contains(.rung) ? Self.time(operation.rungTime) : "-",
                        Self.kind(operation.kind),
                        operation.parts.contains(.sized) ? "\(operation.bytes)" : "-",
                        "\(CompletionStatus(rawValue: operation.status))",
                    ] + times.map { Self.duration($0) })
            }
        }
        return table.isEmpty ? "" : table.text(bold: isBold)
    }

    private var engines: String {
        var table = TextTable([
            ("PROCESS", .left), ("ENGINE", .right), ("SLEEPS", .right), ("ASLEEP", .right),
            ("AWAKE", .right),
        ])
        for engine in report.engines {
            let part = engine.observed > 0 ? Double(engine.asleep) / Double(engine.observed) : 0
            table.add([
                engine.process, "\(engine.engine)", "\(engine.sleeps)",
                decimal(part * 100, places: 1) + " %",
                decimal(100 - part * 100, places: 1) + " %",
            ])
        }
        return table.isEmpty ? "" : table.text(bold: isBold)
    }

    private var furtherGroups: String {
        let count = report.furtherGroupEvents
        return count > 0 ? "\(count) events of groups beyond the first \(GroupReport.mostGroups) are only counted" : ""
    }

    private var events: String {
        var table = TextTable([("EVENT", .left), ("COUNT", .right)])
        for event in report.eventCounts { table.add([event.name, "\(event.count)"]) }
        return table.isEmpty ? "" : table.text(bold: isBold)
    }

    // MARK: Cells

    private func section(
        _ columns: [(String, TextTable.Alignment)], _ cells: (ChannelReport) -> [String]
    ) -> String {
        var table = Self.table(columns)
        for channel in report.channels { table.add(Self.names(channel) + cells(channel)) }
        return table.text(bold: isBold)
    }

    /// A table whose first columns say which channel a row is about.
    private static func table(_ columns: [(String, TextTable.Alignment)]) -> TextTable {
        TextTable([("PROCESS", .left), ("DEVICE", .left), ("VCHAN", .right)] + columns)
    }

    private static func names(_ channel: ChannelReport) -> [String] {
        [
            channel.process,
            channel.deviceName.map { "\($0) (\(channel.device))" } ?? "\(channel.device)",
            "\(channel.vchan)",
        ]
    }

    /// The wire name of an operation's kind.
    static func kind(_ kind: UInt8) -> String {
        switch kind {
        case 1: "copy"
        case 2: "copy_sg"
        case 3: "fill"
        default: "-"
        }
    }

    private static func duration(_ nanoseconds: (some BinaryInteger)?) -> String {
        nanoseconds.map { Quantity.time(nanoseconds: Double($0)) } ?? "-"
    }

    /// The time of day with microseconds, in the local zone, as babeltrace2 prints it.
    static func time(_ nanoseconds: Int64) -> String {
        var seconds = time_t(nanoseconds / 1_000_000_000)
        var parts = tm()
        localtime_r(&seconds, &parts)
        func padded(_ value: Int, _ width: Int) -> String {
            String(repeating: "0", count: max(0, width - "\(value)".count)) + "\(value)"
        }
        let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec].map { padded(Int($0), 2) }.joined(
            separator: ":")
        return clock + "." + padded(Int(nanoseconds % 1_000_000_000 / 1000), 6)
    }

    /// The mean use of the ring over time, by height, and the maximum.
    private static func graph(_ timeline: Timeline) -> String {
        let most = timeline.steps.map(\.maximum).max() ?? 0
        guard most > 0 else { return "-" }
        let heights = Array("▁▂▃▄▅▆▇█")
        let perCell = (timeline.steps.count + 19) / 20
        let cells = stride(from: 0, to: timeline.steps.count, by: perCell).map { start -> Character in
            let part = timeline.steps[start..<min(start + perCell, timeline.steps.count)]
            let count = part.reduce(0) { $0 + $1.count }
            guard count > 0 else { return "·" }
            let mean = Double(part.reduce(0) { $0 + $1.sum }) / Double(count)
            return heights[min(heights.count - 1, Int(mean / Double(most) * Double(heights.count)))]
        }
        return String(cells) + " at most \(most)"
    }
}
