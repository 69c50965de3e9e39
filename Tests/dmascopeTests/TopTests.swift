import Foundation
import TelemetryWire
import TestSupport
import Testing

/// top, as a stream and on a terminal.
@Suite struct TopTests {
    let scope: Scope

    init() throws {
        scope = try Scope()
    }

    // MARK: As a stream

    @Test func readingsAreLinesOfJSONWithWhatHasChanged() throws {
        let server = try scope.serve("--workload", "copy", "--workload-rate", "5000")
        defer { server.kill(SIGTERM) }
        let result = try scope.run("top", "--json", "--count", "2", "--interval", "0.3")
        #expect(result.exit == .exited(0), "\(result)")
        let readings = try result.output.split(separator: "\n").map { try JSONValue(parsing: String($0)).tree }
        #expect(readings.count == 2)
        #expect(readings[0].keys == ["time_ns", "interval_ns", "version", "pid", "channels"])
        #expect(readings[0]["interval_ns"] == .null)
        #expect(readings.map { $0["pid"] } == Array(repeating: .integer(Int64(server.processID)), count: 2))
        let (first, second) = (readings[0]["channels"]?.elements ?? [], readings[1]["channels"]?.elements ?? [])
        #expect(first.map { $0["ops_per_second"] } == [.null, .null, .null])
        #expect(
            second.map { "\($0["name"]?.string ?? ""):\($0["vchan"]?.integer ?? -1)" } == [
                "dma0:0", "dma1:0", "dma1:1",
            ])
        let seconds = try #require(readings[1]["interval_ns"]?.double) / 1e9
        #expect(seconds > 0)
        for (old, new) in zip(first, second) {
            let delta = try #require(new["delta"]?["completed"]?.unsigned)
            #expect(delta > 0)
            #expect(try new["completed"]?.unsigned == delta + #require(old["completed"]?.unsigned))
            #expect(new["ops_per_second"]?.double == Double(delta) / seconds)
            #expect(try #require(new["p50_ns"]?.unsigned) <= #require(new["p99_ns"]?.unsigned))
            #expect(new["errors_per_second"]?.double == 0)
            #expect(new["nb_desc"] == .integer(1024))
        }
    }

    @Test func tablesFollowEachOtherUntilASignal() throws {
        let server = try scope.serve("--workload", "copy")
        defer { server.kill(SIGTERM) }
        let top = try scope.start("top", "--interval", "0.05")
        let output = try top.waitForOutput { $0.components(separatedBy: "DEVICE").count > 3 ? $0 : nil }
        #expect(output.contains("dmascope "))
        top.kill(SIGINT)
        let result = try top.wait()
        #expect(result.exit == .exited(0), "\(result)")
        #expect(result.errors == "")
    }

    @Test func aTargetThatGoesIsTheEndOfAStream() throws {
        let server = try scope.serve()
        let top = try scope.start("top", "--json", "--interval", "0.05")
        _ = try top.nextLine()
        server.kill(SIGKILL)
        expect(try top.wait(), exits: 3, saying: "dmascope")
        expect(try scope.run("top"), exits: 3, saying: "the process of this socket has ended")
    }

    // MARK: On a terminal

    /// What the screen held when it was last complete.
    private static func screen(_ output: String) -> [String]? {
        guard let end = output.range(of: "\u{1B}[J", options: .backwards),
            let start = output[..<end.lowerBound].range(of: "\u{1B}[H", options: .backwards)
        else { return nil }
        return output[start.upperBound..<end.lowerBound].components(separatedBy: "\u{1B}[K").map {
            $0.replacingOccurrences(of: "\r", with: "").replacingOccurrences(of: "\n", with: "")
        }.dropLast()
    }

    /// Waits for a screen of which that is true.
    @discardableResult
    private func wait(
        for top: RunningProgram, _ isExpected: ([String]) -> Bool
    ) throws -> [String] {
        try top.waitForOutput { output in Self.screen(output).flatMap { isExpected($0) ? $0 : nil } }
    }

    private func start(on terminal: PseudoTerminal, _ environment: [String: String] = [:]) throws -> RunningProgram {
        try RunningProgram(
            scope.program, ["top", "--interval", "0.1"],
            environment: scope.environment.merging(["TERM": "xterm"]) { $1 }.merging(environment) { $1 }, on: terminal)
    }

    /// The terminal is as a shell wants it.
    private func expectRestored(_ result: ProgramResult, _ terminal: PseudoTerminal) {
        #expect(terminal.isCooked)
        #expect(result.output.components(separatedBy: "\u{1B}[?1049h").count == 2)
        let last = result.output.components(separatedBy: "\u{1B}[?25h\u{1B}[?1049l")
        #expect(last.count == 2 && !last[1].contains("\u{1B}"), "\(last.last ?? "")")
    }

    @Test func itDrawsAnswersKeysAndGivesTheTerminalBack() throws {
        let server = try scope.serve("--workload", "copy")
        defer { server.kill(SIGTERM) }
        let terminal = try PseudoTerminal(columns: 120, rows: 12)
        let top = try start(on: terminal)
        let first = try wait(for: top) { $0[1].contains(" ops/s") && $0[4].contains("dma0") }
        #expect(first.count == 12)
        #expect(first[0].contains("pid \(server.processID)") && first[0].contains("every 0.1 s"))
        #expect(first[11].hasPrefix("q quit"))
        #expect(first[3].hasPrefix("\u{1B}[1mDEVICE"))
        #expect(!terminal.isCooked)

        top.write("s")
        try wait(for: top) { $0[11].contains("sort: NAME ascending") }
        top.write("r")
        try wait(for: top) { $0[11].contains("sort: NAME descending") && $0[4].contains("dma1") }
        top.write("+")
        try wait(for: top) { $0[0].contains("every 0.2 s") }
        top.write("p")
        try wait(for: top) { $0[0].hasSuffix("PAUSED") }
        top.write("p?")
        try wait(for: top) { $0.contains { $0.hasSuffix("operations completed per second") } }
        top.write("\u{1B}[A?")
        try wait(for: top) { $0[3].contains("DEVICE") }

        terminal.resize(columns: 40, rows: 9)
        let small = try wait(for: top) { $0.count == 9 }
        #expect(small.allSatisfy { $0.replacingOccurrences(of: "\u{1B}[1m", with: "").count <= 44 })

        top.write("q")
        let result = try top.wait()
        #expect(result.exit == .exited(0), "\(result)")
        expectRestored(result, terminal)
    }

    @Test(arguments: [SIGINT, SIGTERM]) func aSignalGivesTheTerminalBack(signal: Int32) throws {
        let server = try scope.serve()
        defer { server.kill(SIGTERM) }
        let terminal = try PseudoTerminal()
        let top = try start(on: terminal)
        try wait(for: top) { $0[1].hasPrefix("2 devices") }
        top.kill(signal)
        let result = try top.wait()
        #expect(result.exit == .exited(0), "\(result)")
        expectRestored(result, terminal)
    }

    @Test func controlCIsAKey() throws {
        let server = try scope.serve()
        defer { server.kill(SIGTERM) }
        let terminal = try PseudoTerminal()
        let top = try start(on: terminal)
        try wait(for: top) { $0[1].hasPrefix("2 devices") }
        top.write("\u{03}")
        let result = try top.wait()
        #expect(result.exit == .exited(0))
        expectRestored(result, terminal)
    }

    @Test func aTargetThatDiesIsWaitedFor() throws {
        let server = try scope.serve()
        let terminal = try PseudoTerminal(columns: 150)
        let top = try start(on: terminal)
        try wait(for: top) { $0[1].hasPrefix("2 devices") }
        server.kill(SIGKILL)
        try server.wait()
        try wait(for: top) { $0[1].hasPrefix("the target does not answer, trying again") }
        let other = try scope.serve("--device", "software,name=other")
        try wait(for: top) { $0[1].hasPrefix("1 device, 1 channel") && $0[0].contains("pid \(other.processID)") }
        // A target that hangs keeps no key waiting.
        other.kill(SIGSTOP)
        top.write("q")
        let result = try top.wait()
        #expect(result.exit == .exited(0), "\(result)")
        expectRestored(result, terminal)
    }

    @Test func aSecondSignalGivesTheTerminalBackToo() throws {
        let server = try scope.serve()
        defer { server.kill(SIGTERM) }
        let terminal = try PseudoTerminal()
        let top = try start(on: terminal)
        try wait(for: top) { $0[1].hasPrefix("2 devices") }
        top.kill(SIGSTOP)
        top.kill(SIGTERM)
        top.kill(SIGINT)
        top.kill(SIGCONT)
        let result = try top.wait()
        #expect([.exited(0), .exited(130), .exited(143)].contains(result.exit))
        expectRestored(result, terminal)
    }

    @Test func noColorIsWantedBySome() throws {
        let server = try scope.serve()
        defer { server.kill(SIGTERM) }
        let top = try start(on: try PseudoTerminal(), ["NO_COLOR": "1"])
        try wait(for: top) { $0[1].hasPrefix("2 devices") }
        top.write("q")
        #expect(try !top.wait().output.contains("\u{1B}[1m"))
    }

    @Test func withoutATargetTheScreenIsLeftAlone() throws {
        let top = try start(on: try PseudoTerminal())
        let result = try top.wait()
        #expect(result.exit == .exited(3))
        #expect(!result.output.contains("\u{1B}"))
    }

    @Test func onADumbTerminalItIsAStream() throws {
        let server = try scope.serve()
        defer { server.kill(SIGTERM) }
        let top = try start(on: try PseudoTerminal(), ["TERM": "dumb"])
        let output = try top.waitForOutput { $0.components(separatedBy: "DEVICE").count > 2 ? $0 : nil }
        #expect(!output.contains("\u{1B}"))
        // Typed by a user, and made a signal by the terminal.
        top.write("\u{03}")
        #expect(try top.wait().exit == .exited(0))
    }
}
