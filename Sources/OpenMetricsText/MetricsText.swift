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

    /// The metrics as UTF-8 text; each line ends with a line feed.
    ///
    /// Families without samples are left out. Of two samples of a family with the same labels only the first one is
    /// written, because readers would reject the whole text. A sample whose value does not fit the type is left out.
    ///
    /// - Throws: if the name of a metric or a label is invalid or occurs twice.
    public func text(of families: [MetricFamily]) throws(MetricsTextError) -> String {
        String(decoding: try utf8(of: families), as: UTF8.self)
    }

    /// The same text as bytes.
    ///
    /// - Throws: as ``text(of:)``.
    public func utf8(of families: [MetricFamily]) throws(MetricsTextError) -> [UInt8] {
        var writer = MetricsWriter(format: self, sampleCount: families.reduce(0) { $0 + $1.samples.count })
        for family in families { try writer.write(family) }
        return writer.finish()
    }
}
