/// The text formats for scrapers. Both are written from the same values.
public enum MetricsText: Sendable, Hashable, CaseIterable {
    /// OpenMetrics 1.0: with units, creation times, and an end marker that shows that the text is complete.
    case openMetrics
    /// Prometheus's text format 0.0.4, which every scraper reads. It has no units, no creation times and no infos,
    /// which are written as gauges.
    case prometheus

    /// The value of HTTP's `Content-Type` header.
    public var contentType: String {
        switch self {
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
        }
    }

    /// The metrics as UTF-8 text; each line ends with a line feed. ``MetricsTextParts`` has the same text in parts.
    ///
    /// Families without samples are left out. Of two samples of a family with the same labels only the first one is
    /// written, because readers would reject the whole text. A sample whose value does not fit the type is left out.
    ///
    /// - Throws: if the name of a metric or a label is invalid or occurs twice.
    public func text(of families: [MetricFamily]) throws(MetricsTextError) -> String {
        var parts = try MetricsTextParts(of: families, in: self)
        var text = ""
        while let part = try parts.next() { text += String(decoding: part, as: UTF8.self) }
        return text
    }
}
