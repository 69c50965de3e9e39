import OpenMetricsText
import Testing

@Suite struct NegotiationTests {
    @Test(
        arguments: [
            (nil, MetricsText.prometheus), ("", .prometheus), ("*/*", .prometheus), ("image/png", .prometheus),
            ("application/openmetrics-text", .openMetrics),
            ("APPLICATION/OpenMetrics-Text; Version=1.0.0", .openMetrics),
            ("application/openmetrics-text; version=\"0.0.1\"", .openMetrics),
            ("application/openmetrics-text; version=2.0.0", .prometheus),
            ("application/openmetrics-text;q=0", .prometheus),
            ("application/openmetrics-text;q=0.3,text/plain;q=0.5", .prometheus),
            ("text/plain;q=0.5 , application/openmetrics-text;version=1.0.0;q=0.5", .openMetrics),
            ("application/openmetrics-text;q=0.3,text/plain;q=0.2,*/*;q=0.9", .openMetrics),
            ("application/openmetrics-text;q=0.3,*/*;q=0.9", .prometheus), (",;,=;q=x", .prometheus),
        ] as [(String?, MetricsText)])
    func theFormatThatIsWantedMost(accept: String?, format: MetricsText) {
        #expect(MetricsText(accepting: accept) == format)
    }
}
