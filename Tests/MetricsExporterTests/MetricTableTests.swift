import Foundation
import MetricsExporter
import OpenMetricsText
import Testing

/// The table of metrics, and the page that shows it.
@Suite struct MetricTableTests {
    @Test func everyRowCanBeWritten() {
        for row in MetricTable.rows {
            #expect(row.description.problem == nil, "\(row.description.name)")
            #expect(row.description.help.hasSuffix("."), "\(row.description.name)")
            #expect(Set(row.allLabels).count == row.allLabels.count, "\(row.description.name)")
            // Prometheus's own, for what it scrapes.
            #expect(!row.allLabels.contains { ["instance", "job", "le"].contains($0) }, "\(row.description.name)")
        }
        #expect(Set(MetricTable.rows.map(\.description.name)).count == MetricTable.rows.count)
    }

    @Test func thePageShowsTheTable() throws {
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent(
                "Sources/MetricsExporter/MetricsExporter.docc/Metrics.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        let table = text.split(separator: "\n").filter { $0.hasPrefix("|") }.joined(separator: "\n") + "\n"
        // What the page has to hold is what `dmascope metrics --describe` prints.
        #expect(table == MetricTable.markdown)
    }
}
