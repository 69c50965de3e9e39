import DMATrace
import Foundation
import TestSupport
import Testing

/// Commands with devices load lttng-ust, others do not.
@Suite struct LTTngLoadingTests {
    @Test(
        "A command that only looks does not load lttng-ust, so that a stopped session daemon cannot delay it",
        arguments: [
            "--version", "--help", "list", "info", "stats", "vchans", "errors", "group list", "top --count 1",
            "query dmascope /dmadev/list /trace/list", "metrics", "check", "trace list",
            "trace list --file-prefix dmascope",
        ])
    func looking(command: String) throws {
        let scope = try Scope()
        let server = try scope.serve()
        defer { server.kill(SIGTERM) }
        let files = try filesLoaded(by: command, scope)
        #expect(files.contains { $0.hasPrefix("libjson-c.so") })
        #expect(!files.contains { $0.hasPrefix("liblttng-ust.so") || $0.hasPrefix("libdmascope-trace.so") })
    }

    @Test("A command with devices loads it", arguments: ["copy /etc/passwd copied", "bench --seconds 0.01"])
    func working(command: String) throws {
        let files = try filesLoaded(by: command, Scope())
        #expect(files.contains { $0.hasPrefix("liblttng-ust.so") })
        #expect(files.contains { $0.hasPrefix("libdmascope-trace.so") })
    }

    @Test("A server is listed with every event")
    func server() throws {
        try LTTngSession.lttng("list")  // a daemon is there before the server is
        let scope = try Scope()
        let server = try scope.serve()
        defer { server.kill(SIGTERM) }
        let listed = try LTTngSession.listedEvents(of: server.processID).filter { $0.hasPrefix("dmadev") }
            .compactMap { $0.split(separator: " ").first }
        #expect(Set(listed.map(String.init)) == Set(TracePoints.all.map { "\($0.provider):\($0.name)" }))
    }

    /// The names of the shared objects that a command loads, in the words of the dynamic linker.
    private func filesLoaded(by command: String, _ scope: Scope) throws -> Set<Substring> {
        let prefix = scope.directory.file("loaded")
        let result = try runProgram(
            "/bin/bash", ["-c", "cd '\(scope.directory.path)' && exec '\(scope.program)' \(command)"],
            environment: scope.environment.merging(["LD_DEBUG": "files", "LD_DEBUG_OUTPUT": prefix]) { $1 })
        #expect(result.exit == .exited(0), "\(result)")
        let logs = try FileManager.default.contentsOfDirectory(atPath: scope.directory.path)
            .filter { $0.hasPrefix("loaded.") }
        return try logs.reduce(into: []) { files, log in
            let text = try String(contentsOfFile: scope.directory.file(log), encoding: .utf8)
            for line in text.split(separator: "\n") where line.contains("calling init: ") {
                files.formUnion(line.split(separator: "/").suffix(1))
            }
        }
    }
}
