import CoreMetrics
import LibraryMetrics
import MetricsTestSupport
import OpenMetricsText
import Testing

@testable import MetricsExporter

/// The back end of swift-metrics.
@Suite struct LibraryFiguresTests {
    private let figures = LibraryFigures()

    @Test func handlesOfTheSameSeriesAddUp() {
        for _ in 0..<3 { LibraryMetric.httpRequests.counter("/metrics", "200", factory: figures).increment(by: 2) }
        LibraryMetric.httpRequests.counter("/metrics", "500", factory: figures).increment()
        let samples = figures.samples(of: .httpRequests)
        #expect(samples.map(\.value) == [.number(.unsigned(6)), .number(.unsigned(1))])
        #expect(samples.map { $0.labels["status"] } == ["200", "500"])
        #expect(samples.allSatisfy { $0.created ?? 0 > 1_600_000_000 })
    }

    @Test func whatNoLibraryOfThisPackageTellsIsNotKept() {
        for number in 0..<100 {
            Counter(label: "other.\(number)", factory: figures).increment()
            Counter(label: LibraryMetric.httpRequests.rawValue, dimensions: [("x", "\(number)")], factory: figures)
                .increment()
        }
        // Of the wrong kind.
        Meter(label: LibraryMetric.httpRequests.rawValue, factory: figures).set(1)
        Recorder(label: LibraryMetric.telemetryClients.rawValue, factory: figures).record(1)
        #expect(LibraryMetric.allCases.allSatisfy { figures.samples(of: $0).isEmpty })
    }

    @Test func timesFallIntoTheirBuckets() throws {
        let timer = LibraryMetric.exporterSweepDuration.timer(factory: figures)
        for nanoseconds in [0, 500_000, 500_001, 20_000_000_000] as [Int64] { timer.recordNanoseconds(nanoseconds) }
        guard case .histogram(let histogram)? = figures.samples(of: .exporterSweepDuration).first?.value else {
            Issue.record("no histogram")
            return
        }
        #expect(histogram.buckets.prefix(2).map(\.count) == [2, 1])
        #expect(histogram.rest == 1 && histogram.count == 4)
    }

    @Test func everyFigureIsTextThatReadersTake() throws {
        for metric in LibraryMetric.allCases {
            let dimensions = metric.dimensions.map { ($0, "any \"\\\n") }
            switch metric.kind {
            case .counter: Counter(label: metric.rawValue, dimensions: dimensions, factory: figures).increment()
            case .level: Meter(label: metric.rawValue, dimensions: dimensions, factory: figures).set(3)
            case .timer:
                CoreMetrics.Timer(label: metric.rawValue, dimensions: dimensions, factory: figures)
                    .recordNanoseconds(1)
            }
        }
        var configuration = MetricsCollector.Configuration()
        configuration.directories = []
        configuration.figures = figures
        let families = try MetricsCollector(configuration).collect()
        let names = Set(MetricTable.libraryRows.map(\.description.name))
        #expect(families.count { names.contains($0.description.name) && !$0.samples.isEmpty } == names.count)
        #expect(try MetricsReaders.promtoolComplaints(MetricsText.prometheus.text(of: families)) == "")
        let text = try MetricsText.openMetrics.text(of: families)
        #expect(try Exposition(text).isEnded)
        let read = try MetricsReaders.openMetricsSamples(text)
        #expect(read.contains { $0.hasPrefix("dmascope_controller_joins_total ") })
        #expect(read.contains { $0.hasPrefix("dmascope_http_request_duration_seconds_bucket ") })
    }
}
