import DMADev
import Foundation
import LinuxSystem
import TelemetryWire
import TestSupport
import Testing

@testable import PeerCommands

/// `dmascope stat`.
@Suite struct StatTests {
    private let scope: Scope

    init() throws { scope = try Scope() }

    /// The objects that `stat --json` writes to a file, with a program.
    private func measure(_ options: String..., program: [String]) throws -> (result: ProgramResult, parts: [JSONTree]) {
        let file = scope.directory.file("stat.json")
        let result = try scope.run(["stat", "--json", "--output", file] + options + ["--"] + program)
        let text = try outputOfProgram("/bin/cat", [file])
        return (result, try text.split(separator: "\n").map { try JSONValue(parsing: String($0)).tree })
    }

    private func process(_ prefix: String, in part: JSONTree?) throws -> JSONTree {
        let processes = try #require(part?["processes"]?.elements)
        return try #require(processes.first { $0["prefix"]?.string == prefix }, "\(processes)")
    }

    private func sum(_ counter: String, _ process: JSONTree) -> UInt64 {
        process["channels"]?.elements.reduce(0) { $0 + ($1[counter]?.unsigned ?? 0) } ?? 0
    }

    private func completed(_ prefix: String) throws -> UInt64 {
        try scope.json("stats", "--file-prefix", prefix).elements.reduce(0) { $0 + ($1["completed"]?.unsigned ?? 0) }
    }

    @Test(arguments: [
        ("exit 0", Int32(0)), ("exit 7", 7), ("exit 64", 64), ("exit 3", 3), ("kill -KILL $$", 137),
        ("kill -TERM $$", 143),
    ])
    func theStatusIsThatOfTheProgram(script: String, status: Int32) throws {
        let result = try scope.run("stat", "--", "sh", "-c", "echo out; \(script)")
        #expect(result.exit == .exited(status), "\(result)")
        #expect(result.output == "out\n")
        #expect(result.errors.hasSuffix(" s: sh -c echo out; \(script)\nno channel has done anything\n"), "\(result)")
    }

    @Test func aProgramThatCannotBeRunIsToldAsAShellDoes() throws {
        expect(try scope.run("stat", "--", "no-such-program"), exits: 127, saying: "cannot run no-such-program: ")
        expect(try scope.run("stat", "--", "/no/such"), exits: 127, saying: "cannot run /no/such: ")
        expect(try scope.run("stat", "--", "/etc/passwd"), exits: 126, saying: "cannot run /etc/passwd: ")
        expect(try scope.run("stat", "-I", "0", "--", "true"), exits: 64, saying: "dmascope stat --help")
        expect(
            try scope.run("stat", "-o", "/no/such/file", "--", "true"), exits: 1, saying: "cannot write /no/such/file")
    }

    @Test func whatMovesDuringAProgramIsCounted() throws {
        let server = try scope.serve(
            "--file-prefix", "mine", "--workload", "copy", "--device", "software,name=dma0", "--device",
            "fault,name=bad,every=2:bus_error")
        defer { server.kill(SIGTERM) }
        try eventually("operations fail") {
            try scope.json("stats", "--file-prefix", "mine").elements.allSatisfy {
                ($0["errors"]?.unsigned ?? 0) > 0 || $0["id"] == .integer(0) && $0["completed"] != .integer(0)
            }
        }
        let before = try completed("mine")
        let (result, parts) = try measure(program: ["sleep", "0.5"])
        let after = try completed("mine")
        #expect(result.exit == .exited(0) && result.output.isEmpty && result.errors.isEmpty, "\(result)")
        #expect(parts.count == 1)
        #expect(parts[0]["part"]?.string == "total" && parts[0]["exit_status"]?.integer == 0)
        #expect(parts[0]["command"]?.elements.map(\.string) == ["sleep", "0.5"])
        #expect(try #require(parts[0]["program_seconds"]?.double) >= 0.5)
        let mine = try process("mine", in: parts.first)
        #expect(mine["pid"]?.integer == Int64(server.processID) && mine["ended_s"] == .null)
        // Not what it did before.
        let count = sum("completed", mine)
        #expect(count > 0 && count <= after - before, "\(count) of \(before) to \(after)")
        let channels = try #require(mine["channels"]?.elements)
        let bad = try #require(channels.first { $0["name"]?.string == "bad" })
        let failed = try #require(bad["errors"]?.unsigned)
        #expect(failed > 0 && bad["failures"]?["bus_error"]?.unsigned == failed, "\(bad)")
        let good = try #require(channels.first { $0["name"]?.string == "dma0" })
        #expect(good["failures"]?.members.isEmpty == true && good["nb_desc"]?.unsigned == 1024)
        for name in ["ops_per_second", "bytes_per_second"] { #expect(try #require(good[name]?.double) > 0) }
        let times = try ["p50_ns", "p90_ns", "p99_ns", "p999_ns"].map { try #require(good[$0]?.unsigned) }
        #expect(times == times.sorted() && times[0] > 0)
        let engines = try #require(mine["engines"]?.elements)
        // That of the controller is one.
        #expect(engines.count == 3)
        #expect(engines.reduce(0) { $0 + ($1["operations"]?.unsigned ?? 0) } > 0)
        #expect(engines.allSatisfy { (0...1.01).contains($0["busy_ratio"]?.double ?? -1) }, "\(engines)")

        let text = try scope.run("stat", "--source", "mine", "--", "sleep", "0.2").errors
        #expect(text.contains(" s: sleep 0.2\nPROCESS "), "\(text)")
        #expect(text.contains("failed of bad:0 of \(scope.runDirectory)/dpdk/mine: bus_error "), "\(text)")
        #expect(text.contains("engine 0 (") && text.contains(" of \(scope.runDirectory)/dpdk/mine: busy "), "\(text)")
        #expect(
            try scope.run("stat", "--source", "other", "--", "true").errors.hasSuffix("no channel has done anything\n"))
    }

    @Test func aProgramsOwnDevicesAreCountedUntilTheLastReading() throws {
        let (result, parts) = try measure(
            program: [
                scope.program, "bench", "--seconds", "0.5", "--size", "4K", "--burst", "32", "--file-prefix", "own",
            ])
        #expect(result.exit == .exited(0), "\(result)")
        let own = try process("own", in: parts.first)
        #expect(sum("completed", own) > 0 && sum("bytes", own) >= sum("completed", own), "\(own)")
        let (first, last) = (try #require(own["first_read_s"]?.double), try #require(own["last_read_s"]?.double))
        let ended = try #require(own["ended_s"]?.double)
        #expect(0 < first && first < last && last < ended && own["is_older"] == .bool(false))
        // Its mark began at 0, so that it is exact.
        let high = try #require(own["channels"]?[0]?["ring_high_water"]?.unsigned)
        #expect(high >= 32)
    }

    @Test func whatEndedOrHangsIsNamed() throws {
        let hung = try scope.serve("--file-prefix", "hung", "--workload", "copy")
        defer { hung.kill(SIGKILL) }
        let gone = try scope.serve("--file-prefix", "gone", "--workload", "copy")
        // Both are read before the program runs.
        let stat = try scope.start("stat", "--scrape-timeout", "0.2", "--", "sh", "-c", "echo ready; read line")
        try stat.waitForOutput(containing: "ready")
        gone.kill(SIGTERM)
        _ = try gone.wait()
        hung.kill(SIGSTOP)
        stat.write("\n")
        let result = try stat.wait()
        #expect(result.exit == .exited(0), "\(result)")
        #expect(
            result.errors.contains(
                #/\/dpdk\/gone \(pid [0-9]+\) ended by [0-9.]+ s; last read at [0-9.]+ s: what it did after that is not counted\n/#
            ), "\(result)")
        #expect(
            result.errors.contains(
                #/\/dpdk\/hung \(pid [0-9]+\) did not answer \(timedOut\); last read at [0-9.]+ s\n/#), "\(result)")
    }

    @Test func aProgramRunsToItsEndAlsoIfTheResultCannotBeWritten() throws {
        let result = try scope.run(
            "stat", "-I", "0.1", "--output", "/dev/full", "--", "sh", "-c", "sleep 0.5; echo done; exit 5")
        expect(result, exits: 5, saying: "cannot write /dev/full: ")
        #expect(result.output == "done\n", "\(result)")
    }

    @Test func intervalsAddUpToTheTotal() throws {
        let server = try scope.serve("--file-prefix", "mine", "--workload", "copy")
        defer { server.kill(SIGTERM) }
        let (result, parts) = try measure("-I", "0.2", program: ["sleep", "1"])
        #expect(result.exit == .exited(0), "\(result)")
        let (intervals, total) = (parts.dropLast(), try #require(parts.last))
        #expect(intervals.count >= 3 && intervals.allSatisfy { $0["part"]?.string == "interval" })
        #expect(total["part"]?.string == "total")
        for (one, next) in zip(intervals, intervals.dropFirst()) { #expect(one["to_s"] == next["from_s"]) }
        for counter in ["completed", "bytes", "doorbells"] {
            let parts = try intervals.reduce(0) { try $0 + sum(counter, process("mine", in: $1)) }
            #expect(try parts == sum(counter, process("mine", in: total)), "\(counter)")
            #expect(parts > 0)
        }
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP, SIGUSR1])
    func signalsArePassedOn(number: Int32) throws {
        let program = "trap 'exit 9' INT TERM HUP USR1; echo ready; while :; do sleep 0.02; done"
        // A shell cannot trap a signal that was ignored when it started, as SIGINT of programs in the background is.
        let stat = try scope.start("stat", "--", "env", "--default-signal", "sh", "-c", program)
        try stat.waitForOutput(containing: "ready")
        stat.kill(number)
        let result = try stat.wait()
        #expect(result.exit == .exited(9), "\(result)")
        #expect(result.errors.hasSuffix("no channel has done anything\n"), "\(result)")
    }

    /// The terminal sends Ctrl-C to both: the program gets it once.
    @Test func aKeyOfTheTerminalIsNotPassedOn() throws {
        let terminal = try PseudoTerminal()
        let program = "trap 'echo got one' INT; echo ready; for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.05; done; exit 4"
        let stat = try RunningProgram(
            scope.program, ["stat", "--", "env", "--default-signal", "sh", "-c", program],
            environment: scope.environment, on: terminal)
        try stat.waitForOutput(containing: "ready")
        stat.write("\u{3}")
        let result = try stat.wait()
        #expect(result.exit == .exited(4), "\(result)")
        // The title of the result has the program's text.
        let output = try #require(result.output.components(separatedBy: " s: env ").first)
        #expect(output.components(separatedBy: "got one").count == 2, "\(result)")
    }

    @Test func withoutAProgramASignalEndsItWithTheTable() throws {
        let server = try scope.serve("--file-prefix", "mine", "--workload", "copy")
        defer { server.kill(SIGTERM) }
        let stat = try scope.start("stat", "-I", "0.1")
        try stat.waitForOutput(containing: "\nengine ")
        stat.kill(SIGINT)
        let result = try stat.wait()
        #expect(result.exit == .exited(0) && result.errors.isEmpty, "\(result)")
        #expect(result.output.hasPrefix("0.000 s to 0."), "\(result)")
        let last = try #require(result.output.components(separatedBy: " s\nPROCESS ").last)
        #expect(last.contains("\(scope.runDirectory)/dpdk/mine") && last.contains("busy "), "\(result)")
    }

    /// A program has the signals as they were: this process ignores SIGPIPE, and blocks others.
    @Test func theProgramHasTheUsualSignals() throws {
        let arguments = ["-E", "^Sig(Blk|Ign)", "/proc/self/status"]
        let expected = try runProgram("/bin/grep", arguments)
        #expect(try scope.run(["stat", "--", "grep"] + arguments).output == expected.output)
        #expect(expected.output.contains("SigIgn:"))
    }

    // Sums of readings that were made up.

    private static let key = StatReading.ChannelKey(device: 0, name: "dma0", vchan: 0)

    private static func reading(
        completed: UInt64, errors: UInt64 = 0, highWater: UInt64, buckets: [UInt64] = []
    ) -> StatReading {
        var channel = StatReading.Channel()
        channel.counters = [
            "submitted": completed, "completed": completed, "errors": errors, "status_bus_error": errors,
        ]
        channel.highWater = highWater
        channel.latency = Latency(
            buckets: zip([64, 128], buckets).map { Latency.Bucket(upperBound: $0, count: $1) },
            sum: buckets.reduce(0, +) * 50)
        var reading = StatReading()
        reading.channels = [key: channel]
        return reading
    }

    @Test func sumsAreOfTheTimeBetweenReadings() throws {
        let first = Self.reading(completed: 100, errors: 10, highWater: 40, buckets: [0, 100])
        let second = Self.reading(completed: 150, errors: 12, highWater: 40, buckets: [50, 100])
        var sums = StatSums()
        sums.add(first, since: first)
        #expect(sums.channels[Self.key]?["completed"] == 0 && sums.channels[Self.key]?.hasMoved == false)
        sums.add(second, since: first)
        var channel = try #require(sums.channels[Self.key])
        #expect(channel["completed"] == 50 && channel.failures.map(\.count) == [2])
        #expect(channel.failures.map(\.status) == ["bus_error"])
        // All operations before were slower, and the ring was as full once before.
        #expect(channel.latency?.count == 50 && channel.latency?.percentile(0.99) == 64)
        #expect(channel.highWater == nil)
        // The device was removed and created again: everything is new.
        let third = Self.reading(completed: 20, highWater: 7, buckets: [0, 20])
        sums.add(third, since: second)
        channel = try #require(sums.channels[Self.key])
        #expect(channel["completed"] == 70 && channel["errors"] == 2)
        #expect(channel.latency?.count == 70 && channel.latency?.percentile(0.99) == 128)
        #expect(channel.highWater == 7)
        // A device that is new has done all of it now.
        var other = StatSums()
        other.add(first, since: nil)
        #expect(other.channels[Self.key]?["completed"] == 100 && other.channels[Self.key]?.highWater == 40)
        // A hostile source reports any number.
        other.add(Self.reading(completed: .max, highWater: 41), since: first)
        other.add(Self.reading(completed: .max, highWater: 41), since: Self.reading(completed: 0, highWater: 0))
        #expect(other.channels[Self.key]?["completed"] == .max)
    }
}
