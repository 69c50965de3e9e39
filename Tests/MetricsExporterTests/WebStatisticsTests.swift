import MetricsExporter
import MetricsTestSupport
import OpenMetricsText
import Testing

/// What a web server counts, as metrics.
@Suite struct WebStatisticsTests {
    @Test func requestsAreCountedByPathAndStatusAndTimedByPath() throws {
        let statistics = WebStatistics()
        // The bounds of buckets belong to them.
        for nanoseconds in [0, 500_000, 500_001, 20_000_000_000] as [UInt64] {
            statistics.count(path: "/metrics", status: 200, nanoseconds: nanoseconds)
        }
        statistics.count(path: "/metrics", status: 500, nanoseconds: 1)
        statistics.count(path: "/", status: 200, nanoseconds: 1)
        var configuration = MetricsCollector.Configuration()
        configuration.directories = []
        configuration.web = statistics
        let families = try MetricsCollector(configuration).collect()
        let written = try MetricsText.openMetrics.text(of: families)
        let text = try Exposition(written)
        #expect(text.value("dmascope_http_requests_total", ["path": "/metrics", "status": "200"]) == 4)
        #expect(text.value("dmascope_http_requests_total", ["path": "/metrics", "status": "500"]) == 1)
        #expect(text.value("dmascope_http_requests_total", ["path": "/"]) == 1)
        let name = "dmascope_http_request_duration_seconds"
        for (bound, count) in [("0.0005", 3), ("0.001", 4), ("10.0", 4), ("+Inf", 5)] {
            #expect(text.value("\(name)_bucket", ["path": "/metrics", "le": bound]) == Double(count), "\(bound)")
        }
        #expect(text.value("\(name)_count", ["path": "/metrics"]) == 5)
        #expect(try #require(text.value("\(name)_created", ["path": "/metrics"])) > 1_600_000_000)
        #expect(try MetricsReaders.promtoolComplaints(MetricsText.prometheus.text(of: families)) == "")
        #expect(try MetricsReaders.openMetricsSamples(written).contains { $0.hasPrefix("\(name)_bucket ") })
    }
}
