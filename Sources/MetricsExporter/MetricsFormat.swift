public import OpenMetricsText
import TelemetryWire

/// The text formats of a collection: two for scrapers, two for other programs.
public enum MetricsFormat: String, Sendable, CaseIterable {
    /// Prometheus's text format 0.0.4.
    case prometheus
    /// OpenMetrics 1.0.
    case openmetrics
    /// One line for each series, a JSON object: `time`, `metric`, `type`, `labels`, `value`.
    case json
    /// One line for each series: time, metric, labels, value.
    case csv

    /// Writes a collection as text.
    ///
    /// - Parameters:
    ///   - time: when it was collected, in seconds since 1970; only JSON and CSV contain it.
    ///   - isContinued: whether the same output already has a collection: CSV then has no header line.
    ///   - families: in the order in which they are written.
    /// - Throws: see `MetricsText.text(of:)`.
    public func text(
        of families: [MetricFamily], time: Double, isContinued: Bool = false
    ) throws(MetricsTextError) -> String {
        switch self {
        case .prometheus: try MetricsText.prometheus.text(of: families)
        case .openmetrics: try MetricsText.openMetrics.text(of: families)
        case .json: jsonLines(families, time)
        case .csv: csvLines(families, time, hasTitles: !isContinued)
        }
    }

    private func jsonLines(_ families: [MetricFamily], _ time: Double) -> String {
        var text = ""
        for family in families {
            for sample in family.samples {
                var labels = JSONValue.object()
                for label in sample.labels.labels { labels.set(name: label.name, label.value) }
                var line = JSONValue.object()
                line.set("time", time)
                line.set("metric", family.description.seriesName)
                line.set("type", family.description.kind.rawValue)
                line.set("labels", labels)
                line.set("value", Self.json(sample.value))
                text += line.text + "\n"
            }
        }
        return text
    }

    private static func json(_ value: MetricValue) -> JSONValue {
        switch value {
        case .number(let number): return json(number)
        case .histogram(let histogram):
            var buckets = JSONValue.array()
            for bucket in histogram.buckets where bucket.count > 0 {
                var row = JSONValue.object()
                row.set("le", bucket.upperBound)
                row.set("count", bucket.count)
                buckets.append(row)
            }
            var object = JSONValue.object()
            object.set("count", histogram.count)
            object.set("sum", json(histogram.sum))
            object.set("buckets", buckets)
            return object
        }
    }

    private static func json(_ number: MetricNumber) -> JSONValue {
        switch number {
        case .unsigned(let value): JSONValue(value)
        case .signed(let value): JSONValue(value)
        case .real(let value): JSONValue(value)
        }
    }

    private func csvLines(_ families: [MetricFamily], _ time: Double, hasTitles: Bool) -> String {
        var text = hasTitles ? "time,metric,labels,value\n" : ""
        func line(_ name: String, _ labels: String, _ value: String) {
            text += "\(time),\(name),\(Self.field(labels)),\(value)\n"
        }
        for family in families {
            for sample in family.samples {
                let labels = sample.labels.labels.map { "\($0.name)=\($0.value)" }.joined(separator: ";")
                switch sample.value {
                case .number(let number): line(family.description.seriesName, labels, number.text)
                case .histogram(let histogram):
                    line(family.description.name + "_count", labels, "\(histogram.count)")
                    line(family.description.name + "_sum", labels, histogram.sum.text)
                }
            }
        }
        return text
    }

    /// A field of RFC 4180.
    private static func field(_ text: String) -> String {
        guard text.utf8.contains(where: { Array(",\"\r\n".utf8).contains($0) }) else { return text }
        return "\"\(text.replacing("\"", with: "\"\""))\""
    }
}
