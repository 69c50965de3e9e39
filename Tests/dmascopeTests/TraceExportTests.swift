import Foundation
import TestSupport
import Testing

/// `dmascope trace export`, as a user runs it.
@Suite struct TraceExportTests {
    @Test("A file is there as a whole, or is what it was before")
    func files() throws {
        let scope = try Scope()
        try LTTngSession.analyze(["dmadev*"], channel: .init()) {
            try $0.run(builtProduct("trace-planted"), ["right"])
        } read: { directories in
            let path = scope.directory.file("trace.json")
            let arguments = ["trace", "export", "--format", "chrome"] + directories
            let written = try scope.run(arguments + ["-o", path])
            #expect(written.exit == .exited(0) && written.errors.isEmpty, "\(written)")
            #expect(written.output.contains(" operations in \(path)"))
            let text = try String(contentsOfFile: path, encoding: .utf8)
            let printed = try scope.run(arguments)
            #expect(printed.exit == .exited(0) && printed.output == text)
            let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
            #expect((object?["traceEvents"] as? [Any])?.isEmpty == false)

            let unknown = try scope.run(arguments + ["-o", path, "--device", "nothing"])
            expect(unknown, exits: 4, saying: "the trace has no channel nothing: it has planted:0")
            #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
            #expect(try scope.run(arguments + ["-o", path, "--device", "planted:0"]).exit == .exited(0))

            expect(try scope.run(arguments + ["-o", "/dev/null"]), exits: 1, saying: "/dev/null is no regular file")
            expect(
                try scope.run(arguments + ["-o", scope.directory.file("no/trace.json")]), exits: 1,
                saying: "No such file or directory")
            let full = try runProgram(
                "/bin/sh", ["-c", "exec \"$@\" > /dev/full", "sh", scope.program] + arguments,
                environment: scope.environment)
            expect(full, exits: 1, saying: "No space left on device")
            let limited = try runProgram(
                "/bin/sh", ["-c", "ulimit -f 1; exec \"$@\"", "sh", scope.program] + arguments + ["-o", path],
                environment: scope.environment)
            expect(limited, exits: 1, saying: "File too large")
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: scope.directory.path).sorted()
                    == ["run", "trace.json"])
        }
    }

    @Test("Without a trace, no file is made")
    func noTrace() throws {
        let scope = try Scope()
        let path = scope.directory.file("trace.json")
        let result = try scope.run("trace", "export", scope.runDirectory, "-o", path)
        #expect(result.exit == .exited(4) && result.output.isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scope.directory.path) == ["run"])
        expect(
            try scope.run("trace", "export", "--format", "xml", "."), exits: 64, saying: "dmascope trace export --help")
    }
}
