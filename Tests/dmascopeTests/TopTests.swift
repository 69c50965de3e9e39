import Foundation
import TelemetryWire
import TestSupport
import Testing

@testable import PeerCommands

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

    private func start(
        on terminal: PseudoTerminal, _ environment: [String: String] = [:], _ arguments: String...
    ) throws -> RunningProgram {
        try RunningProgram(
            scope.program, ["top", "--interval", "0.1"] + arguments,
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
        #expect(!first.contains { $0.contains("\u{1B}[3") })
        #expect(!terminal.isCooked)

        top.write("ss")
        try wait(for: top) { $0[11].contains("sort: NAME ascending") }
        top.write("r")
        try wait(for: top) { $0[11].contains("sort: NAME descending") && $0[4].contains("dma1") }
        top.write("+")
        try wait(for: top) { $0[0].contains("every 0.2 s") }
        top.write("p")
        try wait(for: top) { $0[0].hasSuffix("PAUSED") }
        top.write("p?")
        try wait(for: top) { $0[3].hasSuffix("  end") }
        top.write("\u{1B}[F")
        try wait(for: top) { $0[9].contains(" of ") && $0[8].hasPrefix("Columns that do not fit") }
        top.write("?")
        try wait(for: top) { $0[3].contains("DEVICE") }

        terminal.resize(columns: 40, rows: 9)
        let small = try wait(for: top) { $0.count == 9 }
        #expect(small.allSatisfy { $0.replacingOccurrences(of: "\u{1B}[1m", with: "").count <= 44 })

        top.write("q")
        let result = try top.wait()
        #expect(result.exit == .exited(0), "\(result)")
        expectRestored(result, terminal)
    }

    /// The only child of a process.
    private static func child(of process: pid_t) throws -> pid_t? {
        try pid_t(
            String(contentsOfFile: "/proc/\(process)/task/\(process)/children", encoding: .utf8)
                .trimmingCharacters(in: .whitespaces))
    }

    @Test func aShellStopsItAndGetsItsTerminalBack() throws {
        let server = try scope.serve()
        defer { server.kill(SIGTERM) }
        let terminal = try PseudoTerminal(columns: 120)
        let shell = try RunningProgram(
            "/bin/bash", ["--norc", "--noprofile", "--noediting", "-i"],
            environment: scope.environment.merging(["TERM": "xterm", "HISTFILE": "/dev/null", "PS1": "$ "]) { $1 },
            on: terminal)
        /// Waits until the table was drawn after as many beginnings of the alternate screen.
        func waitForTable(afterMoreThan entries: Int) throws {
            try shell.waitForOutput { output -> Bool? in
                let parts = output.components(separatedBy: "\u{1B}[?1049h")
                guard parts.count > entries + 1, let screen = Self.screen(parts[parts.count - 1]) else { return nil }
                return screen.count == 24 && screen[1].hasPrefix("2 devices") ? true : nil
            }
            #expect(!terminal.isCooked)
        }
        var entries: Int { shell.outputSoFar.components(separatedBy: "\u{1B}[?1049h").count - 1 }
        var stops = 0
        /// Waits until the shell has said that the job is stopped.
        func waitForStop() throws {
            stops += 1
            let output = try shell.waitForOutput { output -> String? in
                output.components(separatedBy: "Stopped").count > stops && output.hasSuffix("$ ") ? output : nil
            }
            #expect(terminal.isCooked, "\(output)")
        }
        shell.write("'\(scope.program)' top --interval 0.1\n")
        try waitForTable(afterMoreThan: 0)
        let top = try #require(try Self.child(of: shell.processID))

        // Ctrl-Z, and the signal that it stands for: the screen is given back before the shell speaks.
        for stop in [{ shell.write("\u{1A}") }, { _ = kill(top, SIGTSTP) }] {
            stop()
            try waitForStop()
            let end = try #require(shell.outputSoFar.components(separatedBy: "\u{1B}[?1049l").last)
            #expect(end.contains("Stopped") && !end.contains("\u{1B}[H"))
            let before = entries
            shell.write("fg\n")
            try waitForTable(afterMoreThan: before)
        }
        // Nothing can be done before this one.
        kill(top, SIGSTOP)
        try waitForStop()
        let before = entries
        shell.write("fg\n")
        try waitForTable(afterMoreThan: before)
        // A job in the background leaves the terminal alone, and ends when it is told to.
        shell.write("\u{1A}")
        try waitForStop()
        shell.write("bg; echo now\n")
        try shell.waitForOutput(containing: "\r\nnow\r\n")
        #expect(terminal.isCooked)
        shell.write("kill %1; wait %1; echo ended\n")
        let output = try shell.waitForOutput(containing: "\r\nended\r\n")
        #expect(terminal.isCooked)
        let end = try #require(output.components(separatedBy: "\r\nnow\r\n").last)
        #expect(!end.contains("\u{1B}"), "\(end.debugDescription)")
        shell.write("exit\n")
        try shell.wait()
    }

    @Test func everyProcessIsShownFilteredSortedAndColoured() throws {
        let server = try scope.serve("--workload", "copy")
        defer { server.kill(SIGTERM) }
        let bad = try scope.serve(
            "--device", "fault,name=frozen,freeze=5", "--workload", "copy", "--stuck-after", "0.05", "--file-prefix",
            "bad")
        defer { bad.kill(SIGTERM) }
        let top = try start(on: try PseudoTerminal(columns: 80, rows: 16), [:], "--all", "--sort", "name")
        let screen = try wait(for: top) { $0[1].contains("1 stuck") && $0[1].contains("ops/s") }
        #expect(screen[0].contains("2 processes") && screen[1].hasPrefix("\u{1B}[31m3 devices, 4 channels, 1 stuck"))
        for title in ["PROCESS", "NAME", "P50", "P99", "OPS", "ERRORS"] {
            #expect(screen[3].split(separator: " ").contains { $0.contains(title) })
        }
        #expect(screen[4].hasPrefix("\u{1B}[31mbad ") && screen[4].contains("frozen"))
        #expect(screen[5].hasPrefix("dmascope"))
        top.write("/fro\r")
        try wait(for: top) { $0[4].contains("frozen") && $0[5] == "" && $0[15].contains("\"fro\"") }
        top.write("\u{1B}a")
        try wait(for: top) { $0[0].contains("pid \(server.processID)") && $0[1].hasPrefix("2 devices, 3 channels") }
        top.write("a")
        try wait(for: top) { $0[0].contains("2 processes") }
        top.write("q")
        #expect(try top.wait().exit == .exited(0))

        // As a stream.
        let result = try scope.run(
            "top", "--all", "--json", "--count", "2", "--interval", "0.2", "--sort", "ops/s", "--filter", "dmascope")
        let readings = try result.output.split(separator: "\n").map { try JSONValue(parsing: String($0)).tree }
        #expect(
            readings.map { $0.keys } == Array(repeating: ["time_ns", "interval_ns", "failures", "channels"], count: 2))
        let channels = readings[1]["channels"]?.elements ?? []
        #expect(channels.map { $0["process"]?.string } == ["dmascope", "dmascope", "dmascope"])
        #expect(channels.allSatisfy { $0["pid"]?.integer == Int64(server.processID) })
        let rates = channels.compactMap { $0["ops_per_second"]?.double }
        #expect(rates.count == 3 && rates == rates.sorted(by: >) && rates[0] > 0)
    }

    @Test func theKeysAreInTheHelp() throws {
        let help = try scope.run("top", "--help").output
        for command in TopCommand.all where !command.title.isEmpty { #expect(help.contains("  \(command.title)  ")) }
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
        try wait(for: top) { $0[1].contains("the target does not answer, trying again") }
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
        let bad = try scope.serve(
            "--device", "fault,freeze=5", "--workload", "copy", "--stuck-after", "0.05", "--file-prefix", "bad")
        defer { bad.kill(SIGTERM) }
        let top = try start(on: try PseudoTerminal(), ["NO_COLOR": "1"], "--all")
        try wait(for: top) { $0[1].hasPrefix("3 devices") && $0[1].contains("stuck") }
        top.write("q")
        #expect(try top.wait().output.firstMatch(of: #/\x1B\[[0-9]+m/#) == nil)
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
