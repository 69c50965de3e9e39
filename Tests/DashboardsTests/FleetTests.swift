import Foundation
import MetricsTestSupport
import TestSupport
import Testing

/// The page for fleets, and the configuration of the OpenTelemetry Collector.
@Suite struct FleetTests {
    private static let page = "../Sources/MetricsExporter/MetricsExporter.docc/Fleet.md"

    private struct Collector: Decodable {
        struct Receivers: Decodable { let prometheus: Prometheus }
        struct Prometheus: Decodable { let config: [String: Anything] }
        struct Service: Decodable { let pipelines: [String: [String: [String]]] }
        let receivers: Receivers
        let processors: [String: Anything]
        let exporters: [String: Anything]
        let service: Service
    }

    /// Any value; only its key counts.
    private struct Anything: Decodable {
        init(from decoder: any Decoder) throws {}
    }

    private func check(_ configuration: String) throws {
        let directory = try TemporaryDirectory()
        let file = directory.file("prometheus.yml")
        try configuration.write(toFile: file, atomically: true, encoding: .utf8)
        let result = try runProgram(MetricsReaders.prometheus("promtool"), ["check", "config", file])
        #expect(result.exit == .exited(0) && result.output.contains("SUCCESS"), "\(configuration)\n\(result)")
    }

    @Test func theReceiverOfTheCollectorHasAPrometheusConfiguration() throws {
        let name = "opentelemetry/collector.yml"
        let collector = try DashboardFolder.yaml(name, as: Collector.self)
        // What the receiver refuses.
        #expect(Array(collector.receivers.prometheus.config.keys) == ["scrape_configs"])
        for (_, parts) in collector.service.pipelines {
            #expect(parts["receivers"] == ["prometheus"])
            #expect(Set(parts["processors"] ?? []) == Set(collector.processors.keys))
            #expect(Set(parts["exporters"] ?? []) == Set(collector.exporters.keys))
        }
        let text = try DashboardFolder.text(name)
        #expect(!text.split(separator: "\n").contains { !$0.hasPrefix("#") && $0.contains("$") })
        let script =
            "import sys, yaml; yaml.safe_dump(yaml.safe_load(sys.stdin.buffer.read())['receivers']['prometheus']['config'],"
            + " sys.stdout)"
        try check(outputOfProgram("/usr/bin/python3", ["-c", script], input: text))
    }

    @Test func prometheusTakesEveryConfigurationOfThePage() throws {
        let parts = try DashboardFolder.text(Self.page).components(separatedBy: "```")
        let blocks = parts.filter { $0.hasPrefix("yaml\n") }.map { String($0.dropFirst("yaml\n".count)) }
        #expect(blocks.count == 3)
        for block in blocks { try check(block) }
    }

    /// Prometheus's text has as many series as the page says.
    @Test func theSeriesOfAChannelAreAsManyAsThePageSays() throws {
        let directory = try TemporaryDirectory()
        let environment = ["RUNTIME_DIRECTORY": directory.path]
        let program = try builtProduct("dmascope")
        let server = try RunningProgram(
            program, ["serve", "--listen", "off", "--workload", "copy"], environment: environment)
        defer { server.kill(SIGTERM) }
        try server.waitForOutput(containing: "Ctrl-C ends it.")
        let lines = try outputOfProgram(program, ["metrics"], environment: environment).split(separator: "\n")
            .filter { !$0.hasPrefix("#") }
        let channels = lines.filter { $0.contains("vchan=\"") }.count
        let devices = lines.filter { $0.contains("device=\"") }.count - channels
        let rows = try DashboardFolder.text(Self.page).split(separator: "\n").filter { $0.hasPrefix("| of each ") }
            .map { $0.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) } }
        #expect(rows.map { $0[1] }.prefix(2) == ["\(channels / 3)", "\(devices / 2)"])
    }
}
