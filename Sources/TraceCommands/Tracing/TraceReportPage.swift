import CommandSupport
import DMADev
import Glibc
import TraceAnalysis

/// The report of a trace as one HTML file: without scripts, and without anything from a network.
struct TraceReportPage {
    private let report: TraceReport

    init(_ report: TraceReport) {
        self.report = report
    }

    /// The whole document.
    var text: String {
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
        <link rel="icon" href="data:,">
        <title>Report of a trace</title>
        <style>\(Self.style)</style>
        </head>
        <body>
        <main>
        <h1>Report of a trace</h1>
        \(losses)\(summary)
        \(report.channels.map(section).joined())\(engines)\(tables)\(events)</main>
        </body>
        </html>
        """
    }

    private var losses: String {
        report.losses.sentences.map { "<p class=\"loss\" role=\"alert\">Incomplete: \(Self.escaped($0))</p>\n" }
            .joined()
    }

    private var summary: String {
        guard let times = report.times else { return "<p>No events.</p>" }
        let length = Quantity.time(nanoseconds: Double(times.upperBound - times.lowerBound))
        return "<p>\(report.eventCount) events in \(length), from \(TraceReportText.time(times.lowerBound)) to "
            + "\(TraceReportText.time(times.upperBound)).</p>"
    }

    // MARK: Channels

    private func section(_ channel: ChannelReport) -> String {
        let device = channel.deviceName.map { "\($0) (\(channel.device))" } ?? "\(channel.device)"
        let title = "Device \(device), vchan \(channel.vchan), of \(channel.process)"
        return "<section class=\"channel\">\n<h2>\(Self.escaped(title))</h2>\n" + figures(channel) + times(channel)
            + TraceReportCharts.histogram(channel.total) + TraceReportCharts.heatMap(channel.latencies)
            + TraceReportCharts.occupancy(channel.occupancy) + TraceReportCharts.gantt(channel.slowest)
            + slowest(channel) + "</section>\n"
    }

    private func figures(_ channel: ChannelReport) -> String {
        let perSecond = channel.seconds > 0 ? 1 / channel.seconds : 0
        let failures = channel.statuses.filter { $0.key != 0 }.sorted { $0.value > $1.value }
        let bells = channel.doorbells
        var figures = [
            ("Submitted", "\(channel.submitted)"), ("Completed", "\(channel.completed)"),
            ("Operations/s", perSecond > 0 ? Quantity.count(Double(channel.completed) * perSecond) : "-"),
            ("Bytes", Quantity.bytes(Double(channel.bytes))),
            ("Bytes/s", perSecond > 0 ? Quantity.bytes(Double(channel.bytes) * perSecond) : "-"),
            ("Failed", "\(failures.reduce(0) { $0 + $1.value })"),
            ("Starts", "\(channel.rings)"), ("Doorbells", "\(bells)"),
            ("Operations/doorbell", bells > 0 ? decimal(Double(channel.submitted) / Double(bells), places: 1) : "-"),
            ("Fences", "\(channel.fences)"), ("Refused by a full ring", "\(channel.rejected)"),
        ]
        figures += failures.map { ("Status \(CompletionStatus(rawValue: $0.key))", "\($0.value)") }
        let items = figures.map { "<div><dt>\(Self.escaped($0.0))</dt><dd>\(Self.escaped($0.1))</dd></div>" }
        return "<dl>\(items.joined())</dl>\n"
    }

    private func times(_ channel: ChannelReport) -> String {
        let kinds = [
            ("queued", "doorbell to start", channel.queueing), ("run", "start to end", channel.execution),
            ("notice", "end to poll", channel.notice), ("total", "", channel.total),
        ]
        let rows = kinds.filter { $0.2.count > 0 }.map { name, meaning, histogram in
            [meaning.isEmpty ? name : "\(name): \(meaning)", "\(histogram.count)"]
                + [Quantity.time(nanoseconds: histogram.mean ?? 0)]
                + [0.5, 0.9, 0.99, 0.999].map { Self.duration(histogram.quantile($0)) }
                + [Self.duration(histogram.maximum)]
        }
        return Self.table("times", ["Time", "Count", "Mean", "P50", "P90", "P99", "P99.9", "Max"], rows)
    }

    private func slowest(_ channel: ChannelReport) -> String {
        let rows = channel.slowest.map { slow in
            let operation = slow.operation
            return [
                "\(slow.number)", operation.parts.contains(.rung) ? TraceReportText.time(operation.rungTime) : "-",
                TraceReportText.kind(operation.kind),
                operation.parts.contains(.sized) ? "\(operation.bytes)" : "-",
                "\(CompletionStatus(rawValue: operation.status))", Self.duration(operation.queueing),
                Self.duration(operation.execution), Self.duration(operation.notice), Self.duration(operation.total),
            ]
        }
        return Self.table(
            "slowest", ["Operation", "At", "Kind", "Bytes", "Status", "Queued", "Run", "Notice", "Total"], rows)
    }

    // MARK: The rest

    private var engines: String {
        let rows = report.engines.map { engine in
            let part = engine.observed > 0 ? Double(engine.asleep) / Double(engine.observed) * 100 : 0
            return [
                engine.process, "\(engine.engine)", "\(engine.sleeps)", decimal(part, places: 1) + " %",
                decimal(100 - part, places: 1) + " %",
            ]
        }
        return Self.table("engines", ["Process", "Engine", "Sleeps", "Asleep", "Awake"], rows, title: "Engines")
    }

    private var tables: String {
        TraceReportTable.all(report).map { table in
            Self.table(
                table.name, table.shown.map { $0.title.prefix(1).uppercased() + $0.title.dropFirst() },
                table.shownRows, title: table.title)
        }.joined()
    }

    private var events: String {
        Self.table("events", ["Event", "Count"], report.eventCounts.map { [$0.name, "\($0.count)"] }, title: "Events")
    }

    // MARK: Parts

    private static func table(_ kind: String, _ titles: [String], _ rows: [[String]], title: String = "") -> String {
        guard !rows.isEmpty else { return "" }
        let head = titles.map { "<th scope=\"col\">\(escaped($0))</th>" }.joined()
        let body = rows.map { row in "<tr>\(row.map { "<td>\(escaped($0))</td>" }.joined())</tr>\n" }.joined()
        let heading = title.isEmpty ? "" : "<h2>\(title)</h2>\n"
        return "\(heading)<div class=\"wide\"><table class=\"\(kind)\"><thead><tr>\(head)</tr></thead>\n<tbody>\(body)"
            + "</tbody></table></div>\n"
    }

    /// Text as HTML. Names come from traced programs.
    private static func escaped(_ text: String) -> String {
        StandardStreams.printable(text).replacing("&", with: "&amp;").replacing("<", with: "&lt;")
            .replacing(">", with: "&gt;").replacing("\"", with: "&quot;")
    }

    private static func duration(_ nanoseconds: (some BinaryInteger)?) -> String {
        nanoseconds.map { Quantity.time(nanoseconds: Double($0)) } ?? "-"
    }

    /// The parts of an operation's time differ in lightness, too, for printers without colors.
    private static let style = """
        :root { color-scheme: light dark; --bar: #2f6fb5; --queued: #e0a030; --run: #2f6fb5; --notice: #7fc8a9; }
        body { margin: 0; font: 15px/1.4 system-ui, sans-serif; }
        main { max-width: 60rem; margin: 0 auto; padding: 1rem; }
        h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; overflow-wrap: anywhere; }
        .loss { border: 2px solid #c0392b; padding: .5rem .75rem; font-weight: 600; overflow-wrap: anywhere; }
        dl { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; margin: 0 0 1rem; }
        dt { font-size: .8rem; opacity: .75; } dd { margin: 0; font-weight: 600; }
        .wide { overflow-x: auto; }
        table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
        th, td { padding: .15rem .6rem; text-align: right; white-space: nowrap; border-bottom: 1px solid #8884; }
        th:first-child, td:first-child { text-align: left; }
        figure { margin: 1rem 0; } figcaption { font-size: .85rem; font-weight: 600; margin-bottom: .25rem; }
        svg { width: 100%; height: auto; } svg text { font-size: 11px; fill: currentColor; }
        .bar { fill: var(--bar); } .queued { fill: var(--queued); } .run { fill: var(--run); }
        .notice { fill: var(--notice); } .unknown { fill: #8886; }
        .gantt figcaption::after { content: " (yellow: queued, blue: run, green: notice)"; font-weight: 400; }
        @media print {
          :root { color-scheme: light; } main { max-width: none; padding: 0; } body { font-size: 10pt; }
          rect { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
          figure, tr, .loss { break-inside: avoid; } h2 { break-after: avoid; } .wide { overflow: visible; }
          table { font-size: 7.5pt; } th, td { padding: .1rem .3rem; }
        }
        """
}
