import Foundation
import MetricsTestSupport
import TelemetryWire
import TestSupport
import Testing

/// What `dmascope serve` writes to standard error, and tells of its own libraries.
@Suite struct LogTests {
    private let scope: Scope

    init() throws { scope = try Scope() }

    @Test func messagesAreLinesOfJSONForPrograms() throws {
        // What has to be escaped comes with the path.
        let prefix = "a\"b\\c\u{7}ü"
        let server = try scope.serve("--file-prefix", prefix, "--log-format", "json", "--log-level", "trace")
        server.kill(SIGTERM)
        let errors = try server.wait().errors
        let script = """
            import datetime, json, sys
            for line in sys.stdin.buffer.read().decode("utf-8").split("\\n")[:-1]:
                entry = json.loads(line)
                assert set(entry) <= {"time", "level", "label", "message", "metadata", "error"}, entry
                assert entry["time"].endswith("Z"), entry
                datetime.datetime.strptime(entry["time"], "%Y-%m-%dT%H:%M:%S.%fZ")
                print(entry["level"], entry["label"], entry["message"], entry.get("metadata", {}).get("path"))
            """
        let read = try outputOfProgram(
            "/usr/bin/python3", ["-c", script], environment: ["PYTHONUTF8": "1"], input: errors)
        #expect(read.contains("info dmascope.telemetry telemetry serves \(scope.socket(prefix))\n"))
        #expect(read.contains("info dmascope.telemetry telemetry stops \(scope.socket(prefix))\n"))
        #expect(
            read.contains(
                "info dmascope.controller controller serves \(scope.runDirectory)/dmascope/\(prefix).control\n"))
        #expect(read.hasSuffix("info dmascope ended None\n"))
        // What began first ends last.
        let ends = ["controller stops", "telemetry stops", "ended None"].map { read.range(of: $0)?.lowerBound }
        #expect(ends.allSatisfy { $0 != nil } && ends.compactMap { $0 } == ends.compactMap { $0 }.sorted())
        let jq = try outputOfProgram(requiredTool("jq", package: "jq"), ["-r", ".level"], input: errors)
        #expect(jq.split(separator: "\n").count == errors.split(separator: "\n").count)
    }

    @Test func messagesAreTextForPeopleUnlessAskedFor() throws {
        let server = try scope.serve("--log-level", "info")
        server.kill(SIGTERM)
        let errors = try server.wait().errors
        #expect(errors.contains(" info dmascope"))
        #expect(errors.contains("path=\(scope.socket())"))
        expect(try scope.run("serve", "--log-format", "xml"), exits: 64, saying: "text")
    }

    @Test func whatTheLibrariesTellIsAmongTheMetrics() throws {
        let path = scope.directory.file("http")
        let server = try scope.serve("--listen", "unix:\(path)")
        defer { server.kill(SIGTERM) }
        let user = try RunningProgram(
            scope.program,
            [
                "serve", "--file-prefix", "user", "--no-controller", "--listen", "off", "--device",
                "controller,socket=\(scope.runDirectory)/dmascope/dmascope.control",
            ], environment: scope.environment)
        defer { user.kill(SIGTERM) }
        try user.waitForOutput(containing: "Ctrl-C ends it.")

        let arguments = ["-sS", "--unix-socket", path, "--header", "Accept: application/openmetrics-text"]
        let curl = try requiredTool("curl", package: "curl")
        _ = try outputOfProgram(curl, arguments + ["http://localhost/metrics"])
        let output = try outputOfProgram(curl, arguments + ["http://localhost/metrics"])
        #expect(output.components(separatedBy: "# EOF").count == 2)
        #expect(try !MetricsReaders.openMetricsSamples(output).isEmpty)
        let text = try Exposition(output)
        #expect(text.value("dmascope_controller_connections") == 1)
        #expect(text.value("dmascope_controller_connections_accepted_total") == 1)
        #expect(text.value("dmascope_http_requests_total", ["path": "/metrics", "status": "200"]) == 1)
        #expect(text.value("dmascope_http_request_duration_seconds_count", ["path": "/metrics"]) == 1)
        #expect(text.value("dmascope_exporter_sweep_duration_seconds_count") == 2)
        #expect(try #require(text.value("dmascope_telemetry_requests_total")) > 0)

        // A program that only collects has a collector, and no server.
        let own = try Exposition(scope.run("metrics").output)
        #expect(own.value("dmascope_exporter_sweep_duration_seconds_count") == 1)
        #expect(own["dmascope_telemetry_requests_total"].isEmpty)
    }
}
