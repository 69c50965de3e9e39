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

    @Test func aDirectoryWithoutATraceIsMissing() throws {
        let directory = try TemporaryDirectory()
        for path in [directory.path, "/nonexistent"] {
            let result = try Scope().run("audit", path)
            #expect(result.exit == .exited(4) && result.output.isEmpty)
            #expect(result.errors.hasPrefix("dmascope: \(path) "))
        }
    }
}
