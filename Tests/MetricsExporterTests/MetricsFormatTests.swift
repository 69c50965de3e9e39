import MetricsExporter
import OpenMetricsText
import TelemetryWire
import Testing

@Suite struct MetricsFormatTests {
    private let families = [
        MetricFamily(
            MetricDescription("moved_bytes", .counter, unit: "bytes", help: "-"),
            samples: [MetricSample(["name": "a,\"b\"", "vchan": "0"], .number(.unsigned(.max)))]),
        MetricFamily(
            MetricDescription("took_seconds", .histogram, unit: "seconds", help: "-"),
            samples: [
                MetricSample(
                    [:],
                    .histogram(
                        MetricHistogram(
                            buckets: [.init(upperBound: 0.5, count: 0), .init(upperBound: 1, count: 2)], rest: 1,
                            sum: .real(4.5))))
            ]),
        MetricFamily(MetricDescription("absent", .gauge, help: "-")),
    ]

    @Test func jsonHasOneObjectALine() throws {
        let lines = try MetricsFormat.json.text(of: families, time: 1.5).split(separator: "\n").map(String.init)
        #expect(
            lines == [
                #"{"time":1.5,"metric":"moved_bytes_total","type":"counter","labels":{"name":"a,\"b\"","vchan":"0"},"#
                    + #""value":18446744073709551615}"#,
                #"{"time":1.5,"metric":"took_seconds","type":"histogram","labels":{},"#
                    + #""value":{"count":3,"sum":4.5,"buckets":[{"le":1.0,"count":2}]}}"#,
            ])
    }

    @Test func csvHasTitlesOnce() throws {
        let text = try MetricsFormat.csv.text(of: families, time: 1.5)
        let lines = """
            1.5,moved_bytes_total,"name=a,""b"";vchan=0",18446744073709551615
            1.5,took_seconds_count,,3
            1.5,took_seconds_sum,,4.5

            """
        #expect(text == "time,metric,labels,value\n" + lines)
        #expect(try MetricsFormat.csv.text(of: families, time: 1.5, isContinued: true) == lines)
    }

    @Test func theOthersAreThoseOfScrapers() throws {
        #expect(
            try MetricsFormat.prometheus.text(of: families, time: 0) == MetricsText.prometheus.text(of: families))
        #expect(
            try MetricsFormat.openmetrics.text(of: families, time: 0) == MetricsText.openMetrics.text(of: families))
    }
}
