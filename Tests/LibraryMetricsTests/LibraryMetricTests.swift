import Foundation
import LibraryMetrics
import Testing

/// The table of what libraries tell of themselves.
@Suite struct LibraryMetricTests {
    private static let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    @Test(arguments: LibraryMetric.allCases) func everyRowIsWhole(metric: LibraryMetric) throws {
        #expect(metric.rawValue.wholeMatch(of: #/dmascope(\.[a-z]+){2,3}/#) != nil)
        #expect(metric.help.hasSuffix("."))
        #expect(Set(metric.dimensions).count == metric.dimensions.count)
        // Levels and timers with many series would have to be told apart by who reads them.
        #expect(metric.kind != .level || metric.dimensions.isEmpty)
    }

    /// A library tells each of them, or it is no figure.
    @Test func everyFigureHasACallSite() throws {
        let sources = Self.package.appendingPathComponent("Sources")
        let names = try FileManager.default.subpathsOfDirectory(atPath: sources.path)
            .filter { $0.hasSuffix(".swift") && !$0.hasPrefix("LibraryMetrics/") }
        let text = try names.map {
            try String(contentsOf: sources.appendingPathComponent($0), encoding: .utf8)
        }.joined()
        for metric in LibraryMetric.allCases {
            let uses = text.matches(of: try Regex("\\.\(metric)(?![A-Za-z])")).count
            #expect(uses == 1, "\(metric) is told at \(uses) places")
        }
    }
}
