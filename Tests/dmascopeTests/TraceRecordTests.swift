import Foundation
import TelemetryWire
import TestSupport
import Testing

/// `dmascope trace record`, where it can with a session daemon of its own, which it starts and ends.
@Suite(.serialized) struct TraceRecordTests {
    @Test(
        "What a program does is recorded from its first call, and an audit agrees",
        arguments: ["calls,engine,groups", "bursts"])
    func program(events: String) throws {
        let scope = try Scope()
        let trace = scope.directory.file("trace")
        let result = try run(
            scope,
            ["trace", "record", "--events", events, "-o", trace, "--", builtProduct("trace-bursts"), "copies", "3200"])
        #expect(result.exit == .exited(0), "\(result)")
        #expect(result.errors.contains("recording to \(trace), ") && result.errors.contains(", lost 0 events\n"))
        #expect(result.errors.contains("\n  dmascope trace report \(trace)\n"))
        let report = try scope.json("trace", "report", trace)
        #expect(report["incomplete"]?.elements.isEmpty == true)
        let channel = try #require(report["channels"]?.elements.first)
        #expect(channel["completed"]?.unsigned == 3200 && channel["starts"]?.unsigned == 1)
        #expect(channel["submitted"]?.unsigned == 3200 && channel["name"]?.string == "dma0")
        #expect(try scope.run("audit", trace).exit == .exited(0))
    }

    /// Runs dmascope where no other session daemon is.
    ///
    /// - Parameter wrapper: runs it, for the superuser only.
    private func run(_ scope: Scope, _ arguments: [String], under wrapper: [String] = []) throws -> ProgramResult {
        guard geteuid() == 0 else {
            return try runProgram(
                scope.program, arguments,
                environment: scope.environment.merging(["LTTNG_HOME": scope.runDirectory]) { $1 },
                timeout: .seconds(180))
        }
        let script =
            "mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /dev/shm && \"$@\"; status=$?; "
            + "! test -e /run/lttng/lttng-sessiond.pid || exit 99; exit $status"
        return try runProgram(
            requiredTool("unshare", package: "util-linux"),
            ["-m", "sh", "-c", script, "sh"] + wrapper + [scope.program] + arguments,
            environment: scope.environment, timeout: .seconds(180))
    }

    @Test("Ctrl-C ends a recording of what runs, in order", arguments: [SIGINT, SIGTERM])
    func joined(signal: Int32) throws {
        let scope = try Scope()
        try LTTngSession.lttng("list")
        let running = try RunningProgram(
            builtProduct("trace-bursts"), ["late", "30"], environment: LTTngSession.environment)
        try running.waitForOutput(containing: "ready")
        let trace = scope.directory.file("trace")
        let recorder = try scope.start("trace", "record", "-o", trace)
        try recorder.waitForOutput(containing: "Ctrl-C ends it", timeout: .seconds(180))
        running.closeInput()
        #expect(try running.wait().exit == .exited(0))
        recorder.kill(signal)
        let result = try recorder.wait(timeout: .seconds(180))
        #expect(result.exit == .exited(0) && result.output.contains("\nrecorded "), "\(result)")
        let channels = try scope.json("trace", "report", trace)["channels"]?.elements
        #expect(channels?.isEmpty == false)
        try expectNoSession(scope)
    }

    @Test("The exit status is the program's, and no session stays")
    func statuses() throws {
        let scope = try Scope()
        for (program, status) in [
            (["sh", "-c", "exit 3"], Int32(3)), (["sh", "-c", "kill -9 $$"], 137), (["no-such-program"], 127),
            (["/etc/passwd"], 126),
        ] {
            let trace = scope.directory.file("trace-\(status)")
            let result = try run(scope, ["trace", "record", "-o", trace, "--"] + program)
            #expect(result.exit == .exited(status), "\(result)")
            #expect(!FileManager.default.fileExists(atPath: trace))
        }
    }

    @Test("Only operations of the channel are recorded")
    func filter() throws {
        let scope = try Scope()
        let trace = scope.directory.file("trace")
        let result = try run(
            scope,
            ["trace", "record", "--device", "0:9", "-o", trace, "--", builtProduct("trace-bursts"), "copies", "320"])
        #expect(result.exit == .exited(0), "\(result)")
        let counts = try scope.json("trace", "report", trace)["event_counts"]
        #expect(counts?["dmadev:configure"] != nil && counts?["dmadev:copy"] == nil)
    }

    @Test("A device is found by the name that a running process has for it")
    func name() throws {
        let scope = try Scope()
        try LTTngSession.lttng("list")
        let arguments = ["trace", "record", "--duration", "0.5", "--device"]
        expect(
            try scope.run(arguments + ["one"]), exits: 4, saying: "has a device one: there are none; start its program")
        let server = try scope.serve(
            "--workload", "copy", "--device", "software,name=one", "--device", "software,name=00:1.0,vchans=2")
        defer { server.kill(SIGTERM) }
        expect(
            try scope.run(arguments + ["on"]), exits: 4, saying: "(did you mean one?): there are one, 00:1.0; start its"
        )
        expect(
            try scope.run(arguments + ["two", "--", "true"]), exits: 4,
            saying: "that of the program is not there before its start: give its number")
        for (argument, device, vchans) in [("one", 0, [0]), ("00:1.0", 1, [0, 1]), ("00:1.0:1", 1, [1])] {
            let trace = scope.directory.file("trace-\(argument)")
            let result = try runProgram(
                scope.program, arguments + [argument, "-o", trace], environment: scope.environment,
                timeout: .seconds(180))
            #expect(result.exit == .exited(0), "\(result)")
            let place = "number \(device) of process \(server.processID)"
            #expect(result.output.contains("recording device \(argument) (\(place)) to \(trace), "), "\(result)")
            let channels = try scope.json("trace", "report", trace)["channels"]?.elements ?? []
            #expect(channels.map { $0["device"]?.integer } == vchans.map { _ in Int64(device) }, "\(argument)")
            #expect(channels.map { $0["vchan"]?.integer } == vchans.map { Int64($0) }, "\(argument)")
        }
    }

    @Test("A disk that is full, and a place that cannot be written to, are said")
    func disk() throws {
        let scope = try Scope()
        try Data().write(to: URL(fileURLWithPath: scope.directory.file("file")))
        let refused = try run(scope, ["trace", "record", "-o", scope.directory.file("file/trace")])
        #expect(refused.exit == .exited(1))
        #expect(refused.errors.hasSuffix("/file/trace: Not a directory: choose another --output\n"), "\(refused)")
        guard geteuid() == 0 else { return }
        // In the mount namespace of this one command.
        let script = "mount -t tmpfs -o size=64k tmpfs '\(scope.runDirectory)' && exec \"$@\""
        let trace = scope.runDirectory + "/trace"
        let result = try run(
            scope, ["trace", "record", "-o", trace, "--", builtProduct("trace-bursts"), "copies", "3200"],
            under: ["sh", "-c", script, "sh"])
        #expect(result.errors.contains("the disk with \(trace) is full"), "\(result)")
    }

    @Test("A time ends the recording")
    func duration() throws {
        let scope = try Scope()
        let result = try run(scope, ["trace", "record", "--duration", "0.1", "-o", scope.directory.file("trace")])
        #expect(result.exit == .exited(0) && result.output.contains("\nnothing was recorded: "), "\(result)")
        #expect(result.errors.contains(" runs: starting lttng-sessiond"), "\(result)")
    }

    @Test("What cannot be recorded is said")
    func refusals() throws {
        let scope = try Scope()
        try LTTngSession.lttng("list")
        expect(
            try scope.run("trace", "record", "-o", scope.directory.path, "--duration", "0.1"), exits: 1,
            saying: "is not an empty directory: choose another --output")
        for arguments in [
            ["--events", "all"], ["--device", "a,b"], ["--device", "0:"], ["--output", ""], ["--duration", "0"],
            ["--duration", "nan"],
        ] {
            expect(
                try scope.run(["trace", "record"] + arguments), exits: 64, saying: "dmascope trace record --help")
        }
        let lost = try runProgram(
            scope.program, ["trace", "record"], environment: scope.environment.merging(["PATH": "/nowhere"]) { $1 })
        expect(lost, exits: 1, saying: "apt-get install lttng-tools")
        try expectNoSession(scope)
    }

    /// Of this test; others have their own.
    private func expectNoSession(_ scope: Scope, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let list = try LTTngSession.lttng("list")
        #expect(!list.contains(scope.directory.path), "\(list)", sourceLocation: sourceLocation)
    }
}
