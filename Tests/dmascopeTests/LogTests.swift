import Foundation
import TelemetryWire
import TestSupport
import Testing

/// What `dmascope serve` writes to standard error.
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
        #expect(read.contains("info dmascope.telemetry telemetry server started \(scope.socket(prefix))\n"))
        #expect(read.contains("info dmascope.telemetry telemetry server stopped \(scope.socket(prefix))\n"))
        #expect(
            read.contains(
                "info dmascope.controller controller started \(scope.runDirectory)/dmascope/\(prefix).control\n"))
        #expect(read.hasSuffix("info dmascope ended None\n"))
        // What began first ends last.
        let texts = ["controller stopped", "telemetry server stopped", "ended None"]
        let ends = texts.map { read.range(of: $0)?.lowerBound }
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
}
