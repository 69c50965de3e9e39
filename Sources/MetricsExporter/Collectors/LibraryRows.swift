import LibraryMetrics
import OpenMetricsText

extension MetricTable {
    /// What the libraries of the exporting process tell of themselves; the table is `LibraryMetric`.
    static let libraryRows: [MetricRow] = LibraryMetric.allCases.map { metric in
        let name = metric.rawValue.split(separator: ".").joined(separator: "_")
        let origin = MetricRow.Origin.library(metric)
        switch metric.kind {
        case .counter: return .row(name, .counter, labels: metric.dimensions, origin, help: metric.help)
        case .level: return .row(name, .gauge, labels: metric.dimensions, origin, help: metric.help)
        case .timer:
            return .row(
                name + "_seconds", .histogram, unit: "seconds", labels: metric.dimensions, origin, help: metric.help)
        }
    }
}
