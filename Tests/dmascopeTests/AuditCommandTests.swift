import Foundation
import TelemetryWire
import TestSupport
import Testing

/// `dmascope audit`, as a script sees it.
@Suite struct AuditCommandTests {
    private static let channel = LTTngSession.Channel(subBufferSize: "4M", subBufferCount: 4)

    @Test(
        "The exit status says right, wrong, or inconclusive",
        arguments: [("right", 0), ("counter", 6), ("late", 7)])
    func statuses(kind: String, status: Int32) throws {
        let scope = try Scope()
        try LTTngSession.analyze(
            [kind == "late" ? "dmadev:configure" : "dmadev*"], channel: Self.channel
        ) { session in
            guard kind == "late" else {
                _ = try session.run(builtProduct("trace-planted"), [kind])
                return
            }
            let running = try session.start(builtProduct("trace-bursts"), ["late", "30"])
            try running.waitForOutput(containing: "ready")
            try session.enable(["dmadev*"])
            running.closeInput()
            #expect(try running.wait().exit == .exited(0))
        } read: { directories in
            let verdict = ["right", "wrong", "inconclusive"][status == 0 ? 0 : status == 6 ? 1 : 2]
            let text = try scope.run(["audit"] + directories)
            #expect(text.exit == .exited(status) && text.errors.isEmpty)
            #expect(
                text.output.split(separator: "\n").last?.hasPrefix("\(verdict): ") == true, "\(text.output)"
            )
            let json = try scope.run(["audit", "--json"] + directories)
            #expect(json.exit == .exited(status))
            #expect(try JSONValue(parsing: json.output).tree["verdict"] == .string(verdict))
        }
    }

    @Test("Counters of a file are compared; what is no such file is an error")
    func files() throws {
        let scope = try Scope()
        let directory = try TemporaryDirectory()
        func file(_ text: String) throws -> String {
            let path = directory.file("counters.json")
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            return path
        }
        try LTTngSession.analyze(["dmadev*"], channel: Self.channel) {
            try $0.run(builtProduct("trace-planted"), ["right"])
        } read: { directories in
            for (text, status) in [
                (
                    #"[{"id":0,"name":"planted","vchan":0,"submitted":10,"completed":10,"errors":1}]"#,
                    Int32(0)
                ),
                (#"[{"id":0,"name":"planted","vchan":0,"submitted":10,"completed":9,"errors":1}]"#, 6),
                (#"[{"id":0,"name":"another","vchan":0,"submitted":10}]"#, 7),
                ("[]", 4), ("{}", 1), (#"[{"vchan":0}]"#, 1), ("junk", 1),
            ] {
                let result = try scope.run(["audit", "--against", try file(text)] + directories)
                #expect(result.exit == .exited(status), "\(text): \(result)")
            }
        }
    }

    @Test("A running process is right while it is idle, and inconclusive with a reason when it has gone on")
    func running() throws {
        let scope = try Scope()
        let file = scope.directory.file("counters.json")
        var server: RunningProgram?
        try LTTngSession.analyze(["dmadev*"], channel: Self.channel) { session in
            let started = try session.start(
                builtProduct("trace-bursts"), ["serve", "traced", "320"], environment: scope.environment)
            server = started
            #expect(try started.nextLine() == "ready")
        } read: { directories in
            let server = try #require(server)
            let counters = try scope.run("stats", "--file-prefix", "traced", "--json")
            try counters.output.write(toFile: file, atomically: true, encoding: .utf8)
            let alone = try scope.run(["audit"] + directories)
            #expect(alone.exit == .exited(7) && alone.output.contains("(--against)"), "\(alone)")
            for against in [scope.socket("traced"), "traced", file] {
                let result = try scope.run(["audit", "--against", against] + directories)
                #expect(result.exit == .exited(0), "\(against): \(result)")
            }
            server.write("\n")
            #expect(try server.nextLine() == "ready")
            let later = try scope.run(["audit", "--against", scope.socket("traced")] + directories)
            #expect(later.exit == .exited(7))
            #expect(
                later.output.contains(
                    "completed: 320 in the events, 640 in the given counters, which have gone on since"),
                "\(later.output)")
            #expect(try scope.run(["audit", "--against", file] + directories).exit == .exited(0))
            server.closeInput()
            #expect(try server.wait().exit == .exited(0))
            let ended = try scope.run(["audit", "--against", scope.socket("traced")] + directories)
            #expect(ended.exit != .exited(0) && !ended.errors.isEmpty && ended.output.isEmpty, "\(ended)")
        }
    }

    @Test func aDirectoryWithoutATraceIsMissing() throws {
        let directory = try TemporaryDirectory()
        for path in [directory.path, "/nonexistent"] {
            let result = try Scope().run("audit", path)
            #expect(result.exit == .exited(4) && result.output.isEmpty)
            #expect(result.errors.hasPrefix("dmascope: \(path) "))
        }
    }
}
