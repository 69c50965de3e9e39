import Foundation
import TestSupport
import Testing

/// Signals while a trace is read.
@Suite struct TraceInterruptionTests {
    private static let commands = [
        ["trace", "report"], ["trace", "report", "--html"], ["audit"], ["trace", "export"],
    ]

    @Test("A signal ends the reading with its status and one sentence", arguments: [SIGINT, SIGTERM])
    func signals(signal: Int32) throws {
        let scope = try Scope()
        try withWaitingTrace(scope) { trace in
            for command in Self.commands {
                let output = command.last == "export" ? ["-o", scope.directory.file("trace.json")] : []
                let program = try RunningProgram(
                    scope.program, command + [trace] + output, environment: scope.environment)
                // It waits for the other end of this pipe from now on, until the signal.
                let pipe = try eventually("the trace is opened") {
                    let pipe = open(trace + "/stream", O_WRONLY | O_NONBLOCK)
                    return pipe < 0 ? nil : pipe
                }
                defer { close(pipe) }
                program.kill(signal)
                let result = try program.wait()
                #expect(result.exit == .exited(128 + signal) && result.output.isEmpty, "\(command): \(result)")
                #expect(result.errors == "dmascope: interrupted by a signal\n", "\(command)")
            }
        }
        #expect(try !scope.directory.contents.contains { $0.contains("trace.json") })
    }

    /// A trace whose reading does not end: one of its files is a pipe.
    private func withWaitingTrace(_ scope: Scope, _ body: (String) throws -> Void) throws {
        let trace = scope.directory.file("trace")
        try FileManager.default.createDirectory(atPath: trace, withIntermediateDirectories: false)
        try Data().write(to: URL(fileURLWithPath: trace + "/metadata"))
        try #require(mkfifo(trace + "/stream", 0o600) == 0)
        try body(trace)
    }
}
