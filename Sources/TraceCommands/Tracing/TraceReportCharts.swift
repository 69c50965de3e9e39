import CommandSupport
import Glibc
import TraceAnalysis

/// The pictures of a channel, as SVG within HTML. Without scripts: they look the same on paper.
enum TraceReportCharts {
    private static let width = 720.0
    /// Where the picture begins, right of the axis's labels.
    private static let left = 80.0

    // MARK: Distribution

    /// How many operations took how long.
    static func histogram(_ histogram: LatencyHistogram) -> String {
        // Four bars for each power of two.
        var bars: [Int: UInt64] = [:]
        for bucket in histogram.buckets {
            bars[Int((log2(Double(max(bucket.upTo, 1))) * 4).rounded(.down)), default: 0] += bucket.count
        }
        guard let first = bars.keys.min(), let last = bars.keys.max(), let most = bars.values.max() else { return "" }
        let height = 120.0
        let step = (width - left) / Double(last - first + 1)
        var body = ""
        for (place, count) in bars.sorted(by: { $0.key < $1.key }) {
            let tall = max(1, Double(count) / Double(most) * height)
            let from = Quantity.time(nanoseconds: exp2(Double(place) / 4))
            let to = Quantity.time(nanoseconds: exp2(Double(place + 1) / 4))
            body += rectangle(
                left + Double(place - first) * step, height - tall, max(1, step - 1), tall, "bar",
                "\(from) to \(to): \(count)")
        }
        body += text(left - 6, 10, "\(most)", "end") + text(left - 6, height, "0", "end")
        for place in Set([first, (first + last + 1) / 2, last + 1]) {
            body += text(
                left + Double(place - first) * step, height + 16,
                Quantity.time(nanoseconds: exp2(Double(place) / 4)),
                place == first ? "start" : place > last ? "end" : "middle")
        }
        return picture("histogram", "Operations by their time from doorbell to poll", height + 22, body)
    }

    /// How many operations took how long, over time.
    static func heatMap(_ map: LatencyMap) -> String {
        let rows = (0..<65).filter { row in map.steps.contains { $0[row] > 0 } }
        guard let first = rows.first, let last = rows.last else { return "" }
        let most = map.steps.flatMap(\.self).max() ?? 1
        let (step, tall) = ((width - left) / Double(map.steps.count), 14.0)
        let height = Double(last - first + 1) * tall
        var body = ""
        for (column, counts) in map.steps.enumerated() {
            for row in first...last where counts[row] > 0 {
                let shade = 0.12 + 0.88 * log2(Double(counts[row]) + 1) / log2(Double(most) + 1)
                body += rectangle(
                    left + Double(column) * step, Double(last - row) * tall, max(0.5, step - 0.5), tall - 0.5, "bar",
                    "below \(size(row)): \(counts[row])", opacity: shade)
            }
        }
        for row in first...last where (row - first) % 2 == 0 {
            body += text(left - 6, Double(last - row) * tall + 11, "< \(size(row))", "end")
        }
        body += timeAxis(map.length, map.steps.count, height)
        return picture(
            "heat", "Time from doorbell to poll, over time; the darker, the more operations", height + 22, body)
    }

    private static func size(_ row: Int) -> String { Quantity.time(nanoseconds: exp2(Double(row))) }

    // MARK: Over time

    /// Operations in the ring: the maximum, and within it the mean.
    static func occupancy(_ timeline: Timeline) -> String {
        guard let most = timeline.steps.map(\.maximum).max(), most > 0 else { return "" }
        let (height, step) = (80.0, (width - left) / Double(timeline.steps.count))
        var body = ""
        for (column, part) in timeline.steps.enumerated() where part.count > 0 {
            let label = "at most \(part.maximum), mean \(decimal(part.mean, places: 1))"
            for (value, opacity) in [(Double(part.maximum), 0.35), (part.mean, 1)] {
                let tall = value / Double(most) * height
                body += rectangle(
                    left + Double(column) * step, height - tall, max(0.5, step - 0.5), tall, "bar", label,
                    opacity: opacity)
            }
        }
        body += text(left - 6, 10, "\(most)", "end") + text(left - 6, height, "0", "end")
        body += timeAxis(timeline.length, timeline.steps.count, height)
        return picture(
            "ring", "Operations in the ring at doorbells: maximum (light) and mean (dark)", height + 22, body)
    }

    /// The slowest operations, each with the parts of its time from its doorbell on.
    static func gantt(_ slowest: [ChannelReport.SlowOperation]) -> String {
        let rows = slowest.filter { $0.total > 0 }
        guard let longest = rows.map(\.total).max() else { return "" }
        let tall = 18.0
        let scale = (width - left) / Double(longest)
        var body = ""
        for (place, slow) in rows.enumerated() {
            let operation = slow.operation
            var x = left
            body += text(left - 6, Double(place) * tall + 13, "\(slow.number)", "end")
            let parts = [
                ("queued", operation.queueing), ("run", operation.execution), ("notice", operation.notice),
            ]
            var known: Int64 = 0
            for (name, time) in parts {
                guard let time, time > 0 else { continue }
                // An engine can begin before the event of the call: the parts are at most the whole.
                let length = min(time, slow.total - known)
                guard length > 0 else { continue }
                let wide = Double(length) * scale
                body += rectangle(
                    x, Double(place) * tall + 2, max(0.5, wide), tall - 4, name,
                    "\(name) \(Quantity.time(nanoseconds: Double(time)))")
                x += wide
                known += length
            }
            let rest = slow.total - known
            if rest > 0 {
                body += rectangle(
                    x, Double(place) * tall + 2, max(0.5, Double(rest) * scale), tall - 4, "unknown",
                    "not in the trace: \(Quantity.time(nanoseconds: Double(rest)))")
            }
        }
        let height = Double(rows.count) * tall
        body += text(left, height + 16, "0", "start")
        body += text(width, height + 16, Quantity.time(nanoseconds: Double(longest)), "end")
        return picture("gantt", "The slowest operations, from the doorbell on", height + 22, body)
    }

    // MARK: Parts

    private static func timeAxis(_ length: Int64, _ count: Int, _ height: Double) -> String {
        text(left, height + 16, "0", "start")
            + text(width, height + 16, Quantity.time(nanoseconds: Double(length) * Double(count)), "end")
    }

    private static func picture(_ kind: String, _ title: String, _ height: Double, _ body: String) -> String {
        "<figure class=\"\(kind)\"><figcaption>\(title)</figcaption>"
            + "<svg viewBox=\"0 0 \(number(width)) \(number(height))\" role=\"img\" aria-label=\"\(title)\">\(body)</svg>"
            + "</figure>\n"
    }

    private static func rectangle(
        _ x: Double, _ y: Double, _ width: Double, _ height: Double, _ kind: String, _ title: String,
        opacity: Double = 1
    ) -> String {
        "<rect class=\"\(kind)\" x=\"\(number(x))\" y=\"\(number(y))\" width=\"\(number(width))\" "
            + "height=\"\(number(height))\"\(opacity < 1 ? " opacity=\"\(number(opacity))\"" : "")>"
            + "<title>\(title)</title></rect>"
    }

    private static func text(_ x: Double, _ y: Double, _ text: String, _ anchor: String) -> String {
        "<text x=\"\(number(x))\" y=\"\(number(y))\" text-anchor=\"\(anchor)\">\(text.replacing("<", with: "&lt;"))</text>"
    }

    private static func number(_ value: Double) -> String { decimal(value, places: 2) }
}
