import Glibc
import OpenMetricsText
import TelemetryClient
import TelemetryTestSupport
import TelemetryWire
import TestSupport
import Testing

@testable import PeerCommands

/// `dmascope check`.
@Suite struct CheckTests {
    private let scope: Scope

    init() throws { scope = try Scope() }

    /// Looks once, unless an interval is given.
    private func check(_ arguments: String...) throws -> ProgramResult {
        try scope.run(["check"] + (arguments.contains("--interval") ? [] : ["--interval", "0"]) + arguments)
    }

    private func expect(
        _ result: ProgramResult, exits status: Int32, _ sentence: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(result.exit == .exited(status), "\(result)", sourceLocation: sourceLocation)
        #expect(result.output.hasPrefix("DMADEV \(sentence)"), "\(result)", sourceLocation: sourceLocation)
        #expect(result.output.split(separator: "\n").count == 1, "\(result)", sourceLocation: sourceLocation)
        #expect(result.errors.isEmpty, "\(result)", sourceLocation: sourceLocation)
    }

    @Test func aServerAtWorkIsFine() throws {
        let server = try scope.serve("--workload", "copy", "--file-prefix", "mine")
        defer { server.kill(SIGTERM) }
        // Something has to be done, that ratios and latencies exist.
        while try scope.json("stats", "--file-prefix", "mine").elements.contains(where: {
            $0["completed"] == .integer(0)
        }) {}
        let result = try check(
            "--source", "mine", "--min-devices", "2", "--max-error-ratio", "0.01,0.05", "--max-occupancy", "1",
            "--max-latency-p99", "20000000")
        expect(
            result, exits: 0,
            "OK - 2 devices, 1 source | devices=2;;2:;0 error_ratio=0;0.01;0.05;0;1 occupancy=")
        #expect(result.output.contains("latency_p99=") && result.output.contains("us;;20000000;0\n"), "\(result)")

        expect(
            try check("--source", "mine", "--min-devices", "3"), exits: 2,
            "CRITICAL - 2 devices, at least 3 are required | ")
        expect(try check("--source", "mine", "--max-latency-p99", "0,20000000"), exits: 1, "WARNING - p99 latency ")
        expect(try check("--source", "mine", "--max-latency-p99", "0"), exits: 2, "CRITICAL - p99 latency ")
        expect(
            try check("--source", "mine", "--interval", "0.2", "--max-error-ratio", "0"), exits: 0, "OK - 2 devices")

        // One figure.
        let rate = ["--source", "mine", "--interval", "0.1", "--figure", "operations-per-second"]
        let fast = try scope.run(["check"] + rate + ["-w", "1:", "-c", "0:"])
        expect(fast, exits: 0, "OK - 2 devices, 1 source | operations_per_second=")
        #expect(fast.output.hasSuffix(";1:;0:;0\n"), "\(fast)")
        expect(
            try scope.run(["check"] + rate + ["-w", "1000000000000:"]), exits: 1,
            "WARNING - operations per second ")
        expect(
            try scope.run(["check"] + rate + ["-c", "1000000000000:"]), exits: 2, "CRITICAL - operations per second ")

        let json = try scope.json("check", "--source", "mine", "--per-channel")
        #expect(json["state"]?.string == "OK" && json["status"]?.integer == 0)
        #expect(json["summary"]?.string == "2 devices, 1 source" && json["findings"]?.elements.isEmpty == true)
        #expect(json["sources"]?.elements.map { $0["prefix"]?.string } == ["mine"])
        let channels = try #require(json["channels"]?.elements)
        #expect(channels.map { $0["name"]?.string } == ["dma0", "dma1", "dma1"])
        #expect(channels.map { $0["vchan"]?.integer } == [0, 0, 1])
        #expect(channels.allSatisfy { $0["stuck"] == .bool(false) && $0["operations_per_second"]?.double ?? 0 > 0 })
        let names = try #require(json["figures"]?.elements).compactMap { $0["name"]?.string }
        let place = "\(scope.runDirectory)/dpdk/mine/dma1:1"
        #expect(names.contains("error_ratio") && names.contains("\(place)/error_ratio"), "\(names)")
        #expect(names.contains("\(place)/operations_per_second"), "\(names)")

        let lines = try check("--source", "mine", "-vv").output.split(separator: "\n")
        #expect(lines.count { $0.hasPrefix("channel dma") } == 3 && lines.count { $0.hasPrefix("source /") } == 1)
        #expect(lines.dropFirst().allSatisfy { !$0.contains("|") } && !lines.contains { $0.hasPrefix("version ") })
        #expect(try check("--source", "mine", "-vvv").output.contains("\nversion "))
        // The path has no blank, so there are no quotes.
        let wide = try check("--source", "mine", "--per-channel").output
        #expect(wide.contains(" \(place)/occupancy=") && wide.split(separator: "\n").count == 1, "\(wide)")
    }

    @Test func failedOperationsAreTold() throws {
        let server = try scope.serve(
            "--device", "fault,fail=2:bus_error", "--workload", "copy", "--file-prefix", "faulty")
        defer { server.kill(SIGTERM) }
        while try scope.json("stats", "--file-prefix", "faulty").elements.allSatisfy({ $0["errors"] == .integer(0) }) {}
        let result = try check("--source", "faulty", "--max-error-ratio", "0")
        expect(result, exits: 2, "CRITICAL - error ratio 0.")
        expect(
            try check("--source", "fualty"), exits: 2, "CRITICAL - no process matches fualty (did you mean faulty?)\n")
        #expect(result.output.contains(" of dma0:0 of \(scope.runDirectory)/dpdk/faulty | "), "\(result)")
    }

    @Test func whatIsNotThereIsTold() throws {
        expect(try check("--source", "none"), exits: 2, "CRITICAL - no process matches none\n")
        let path = scope.directory.file("none")
        expect(
            try check("--socket", path, "--source", path), exits: 2,
            "CRITICAL - no answer from \(path) (notFound) | devices=0;;;0\n")
    }

    /// Two containers with one prefix: one works, the other stands still.
    @Test func allSourcesOfAPrefixAreChecked() throws {
        let other = try Scope()
        let well = try scope.serve("--file-prefix", "app")
        defer { well.kill(SIGTERM) }
        let hung = try other.serve("--file-prefix", "app")
        defer { hung.kill(SIGKILL) }
        let pattern = "\(other.runDirectory)/dpdk/*/dpdk_telemetry.v2*"
        expect(try check("--socket", pattern, "--source", "app"), exits: 0, "OK - 4 devices, 2 sources")
        hung.kill(SIGSTOP)
        let (place, otherPlace) = ("\(scope.runDirectory)/dpdk/app", "\(other.runDirectory)/dpdk/app")
        for source in ["app", "app:0", otherPlace, "\(otherPlace):0", other.socket("app")] {
            let result = try check("--socket", pattern, "--source", source, "--scrape-timeout", "0.2")
            expect(result, exits: 2, "CRITICAL - no answer from \(otherPlace) (timedOut)")
        }
        expect(try check("--socket", pattern, "--source", place), exits: 0, "OK - 2 devices, 1 source")
        // The same with systemd's list of directories.
        let both = ["RUNTIME_DIRECTORY": "\(scope.runDirectory):\(other.runDirectory)"]
        let result = try runProgram(
            scope.program, ["check", "--source", "app", "--scrape-timeout", "0.2"], environment: both)
        expect(result, exits: 2, "CRITICAL - no answer from \(otherPlace) (timedOut)")
        let list = try runProgram(scope.program, ["list", "--file-prefix", "app"], environment: both)
        #expect(list.exit == .exited(0), "\(list)")
        #expect(try scope.run("list", "--file-prefix", "\(place):0").exit == .exited(0))
        #expect(try scope.run("query", place, "/dmadev/list").output == "{\"/dmadev/list\":[0,1]}\n")
    }

    @Test(arguments: [
        ["--max-error-ratio", "2,1"], ["--max-occupancy", "-1"], ["--max-error-ratio", "1.5"], ["--min-devices", "-1"],
        ["--interval", "-1"], ["--bogus"], ["--max-latency-p99", "20:10"], ["-w", "1"], ["-c", "1"],
        ["--figure", "speed"], ["--figure", "occupancy", "-w", "2"],
        ["--figure", "occupancy", "-w", "0.9", "-c", "0.5"],
        ["--figure", "devices", "--min-devices", "2"], ["--figure", "operations-per-second", "--interval", "0"],
        ["--timeout", "0"], ["--timeout", "1", "--interval", "2"], ["-t", "x"], ["--stuck", "0"],
        ["--max-latency-p99", "5:,10:"],
    ])
    func aWrongCommandLineIsUnknown(arguments: [String]) throws {
        let result = try scope.run(["check"] + arguments)
        expect(result, exits: 3, "UNKNOWN - ")
        #expect(result.output.hasSuffix(": see dmascope check --help\n"), "\(result)")
    }

    @Test(arguments: [
        ("10", [0, 10], [-0.1, 10.1]), ("10:", [10, 1e9], [9.9, -1]), ("~:10", [-1e9, 10], [10.1]),
        ("10:20", [10, 20], [9.9, 20.1]), ("@10:20", [9.9, 20.1], [10, 20]), ("@10", [-1, 10.1], [0, 10]),
    ])
    func rangesAreThoseOfThePlugins(text: String, good: [Double], bad: [Double]) throws {
        let threshold = try #require(Threshold(argument: text))
        for value in good { #expect(threshold.state(of: value) == .ok, "\(value)") }
        for value in bad + [.nan] {
            #expect(threshold.state(of: value) == (value.isNaN || bad.contains(value) ? .critical : .ok))
        }
        #expect(threshold.text == ";\(text)")
    }

    @Test(arguments: ["", ":", "20:10", "a", "1:2:3", "inf", "~", "@", "nan", "1,2,3"])
    func othersAreNoRanges(text: String) { #expect(Threshold(argument: text) == nil) }

    @Test func whatCannotBeJudgedIsUnknown() throws {
        var report = CheckReport()
        report.judge(.latencyP99, [], Threshold(argument: "10"), isReported: false)
        #expect(report.text() == "DMADEV UNKNOWN - no process reports the p99 latency")
        var idle = CheckReport()
        idle.judge(.latencyP99, [], Threshold(argument: "10"), isReported: true)
        #expect(idle.state == .ok)
        var absurd = CheckReport()
        absurd.judge(.occupancy, [(-1, "dma0:0 of a")], nil, isReported: true)
        #expect(
            absurd.text() == "DMADEV UNKNOWN - occupancy -1 of dma0:0 of a is impossible | occupancy=-1;;;0;1")
    }

    @Test func theWorstValueIsTheOneThatIsShown() throws {
        var report = CheckReport()
        let values = [(value: 5.0, place: String?("a")), (1, "b"), (0.5, "c"), (100, "d")]
        report.judge(.operations, values, Threshold(argument: "3:,1:"), isReported: true)
        #expect(
            report.text()
                == "DMADEV CRITICAL - operations per second 0.5 of c and 1 more outside of the range "
                + "| operations_per_second=0.5;3:;1:;0")
    }

    @Test func aStuckChannelIsCritical() throws {
        #expect(
            CheckFigures(Self.collection(completed: 1, errors: 0, buckets: [], state: "stuck")).channels[0].state
                == "stuck")
        let server = try scope.serve("--device", "fault,freeze=5", "--workload", "copy", "--stuck-after", "0.05")
        defer { server.kill(SIGTERM) }
        try eventually("it is stuck") { try check().exit == .exited(2) }
        let place = "dma0:0 of \(scope.runDirectory)/dpdk/dmascope"
        #expect(try check().output.hasPrefix("DMADEV CRITICAL - \(place) is stuck | devices=1"))
        // Another time than that of the service, for less and for more.
        #expect(try check("--stuck", "3600").exit == .exited(0))
        #expect(try check("--stuck", "0.01").output.hasPrefix("DMADEV CRITICAL - \(place) is stuck"))
    }

    /// A source without states, as DPDK's applications are.
    private func peer(submitted: UInt64, completed: UInt64) throws -> FakePeer {
        try FakePeer(
            scope.makeSocket("peer"),
            [
                .send(FakePeer.greeting), .receive,
                .send(#"{"/":["/","/dmadev/list","/dmadev/info","/dmadev/stats"]}"#), .receive,
                .send(#"{"/dmadev/list":[0]}"#), .receive, .send(#"{"/dmadev/info":{"name":"dma0","nb_vchans":1}}"#),
                .receive, .send(#"{"/dmadev/stats":{"submitted":\#(submitted),"completed":\#(completed),"errors":0}}"#),
                .waitForEnd,
            ])
    }

    @Test func aStuckChannelOfDPDKIsFoundByTwoLooks() throws {
        let peer = try peer(submitted: 10, completed: 4)
        let place = "dma0:0 of \(scope.runDirectory)/dpdk/peer"
        expect(try scope.run("check"), exits: 2, "CRITICAL - \(place) is stuck | ")
        expect(try check(), exits: 0, "OK - 1 device, 1 source | ")
        expect(try check("--interval", "0.1", "--stuck", "0.1"), exits: 2, "CRITICAL - \(place) is stuck | ")
        for interval in ["0", "0.1"] {
            expect(
                try check("--interval", interval, "--stuck", "5"), exits: 3,
                "UNKNOWN - whether \(place) is stuck needs an --interval as long as --stuck | ")
        }
        expect(try check("--max-latency-p99", "10"), exits: 3, "UNKNOWN - no process reports the p99 latency | ")
        // Beside a process that reports it, too.
        let server = try scope.serve("--file-prefix", "mine", "--workload", "copy")
        defer { server.kill(SIGTERM) }
        expect(
            try check("--max-latency-p99", "1e12", "--max-occupancy", "1"), exits: 3,
            "UNKNOWN - \(scope.runDirectory)/dpdk/peer does not report the occupancy, "
                + "\(scope.runDirectory)/dpdk/peer does not report the p99 latency | ")
        expect(
            try check("--max-latency-p99", "1e12", "--max-occupancy", "1", "--source", "mine"), exits: 0,
            "OK - 2 devices, 1 source | ")
        withExtendedLifetime(peer) {}
    }

    @Test func absurdFiguresAreNotFine() throws {
        let more = try peer(submitted: 10, completed: 1 << 40)
        expect(
            try check(), exits: 3,
            "UNKNOWN - dma0:0 of \(scope.runDirectory)/dpdk/peer reports more completed than submitted operations")
        withExtendedLifetime(more) {}
        let hostile = try FakePeer(
            scope.makeSocket("hostile"),
            [
                .send(FakePeer.greeting), .receive,
                .send(#"{"/":["/","/dmadev/list","/dmadev/info","/dmadev/vchans"]}"#),
                .receive, .send(#"{"/dmadev/list":[0]}"#), .receive,
                .send(#"{"/dmadev/info":{"name":"a|b'=c d","nb_vchans":1}}"#), .receive,
                .send(
                    #"{"/dmadev/vchans":[{"vchan":0,"state":"superb","nb_desc":64,"burst_capacity":9999,"pending":-5}]}"#
                ),
                .waitForEnd,
            ])
        let place = "a/b'=c d:0 of \(scope.runDirectory)/dpdk/hostile"
        expect(
            try check("--source", "hostile", "--per-channel"), exits: 3,
            "UNKNOWN - \(place) reports no known state, \(place) reports a ring use that its descriptors cannot have "
                + "| devices=1;;;0 occupancy=0;;;0;1 '\(scope.runDirectory)/dpdk/hostile/a/b__c d:0/occupancy'=0;;;0;1\n"
        )
        withExtendedLifetime(hostile) {}
    }

    @Test func aCheckThatTakesTooLongIsUnknown() throws {
        let mute = try FakePeer(scope.makeSocket("mute"), nil)
        expect(
            try check("-t", "0.2", "--scrape-timeout", "30"), exits: 3,
            "UNKNOWN - no result within 0.2 s: see --timeout\n")
        let result = try scope.run("check", "-t", "2", "--scrape-timeout", "30", "--json")
        #expect(result.exit == .exited(3), "\(result)")
        let json = try JSONValue(parsing: result.output).tree
        #expect(json["state"]?.string == "UNKNOWN" && json["status"]?.integer == 3)
        #expect(json["findings"]?.elements.count == 1)
        withExtendedLifetime(mute) {}
    }

    // The figures, of collections that were made up.

    private static let labels: LabelSet = ["prefix": "p", "name": "dma0", "vchan": "0"]

    private static func collection(
        completed: UInt64, errors: UInt64, buckets: [UInt64], rest: UInt64 = 0, state: String = "idle",
        pid: String = "1", failure: String? = nil
    ) -> [MetricFamily] {
        func family(_ name: String, _ kind: MetricDescription.Kind, _ labels: LabelSet, _ value: MetricValue)
            -> MetricFamily
        {
            MetricFamily(MetricDescription(name, kind, help: "-"), samples: [MetricSample(labels, value)])
        }
        let histogram = MetricHistogram(
            buckets: zip([0.001, 0.01], buckets).map { .init(upperBound: $0, count: $1) }, rest: rest, sum: .real(0))
        return [
            family("dmadev_operations_completed", .counter, labels, .number(.unsigned(completed))),
            family("dmadev_operation_errors", .counter, labels, .number(.unsigned(errors))),
            family("dmadev_operation_latency_seconds", .histogram, labels, .histogram(histogram)),
            family("dmadev_vchan_state", .gauge, labels + ["state": state], .number(.unsigned(1))),
            family("dmascope_source", .info, ["prefix": "p", "pid": pid], .number(.unsigned(1))),
            family("dmascope_scrape_success", .gauge, ["prefix": "p"], .number(.unsigned(failure == nil ? 1 : 0))),
            failure.map {
                family("dmascope_scrape_failure", .info, ["prefix": "p", "reason": $0], .number(.unsigned(1)))
            },
        ].compactMap(\.self)
    }

    @Test func figuresAreOfTheTimeBetweenTwoCollections() throws {
        let before = Self.collection(completed: 100, errors: 50, buckets: [50, 50])
        let after = Self.collection(completed: 300, errors: 60, buckets: [250, 50])
        func channel(_ now: [MetricFamily], since earlier: [MetricFamily] = []) throws -> CheckedChannel {
            try #require(CheckFigures(now, since: earlier, seconds: earlier.isEmpty ? 0 : 10).channels.first)
        }
        #expect(try channel(after).errorRatio == 0.2)
        #expect(try channel(after).latencyP99 == 10000)
        #expect(try channel(after).operationsPerSecond == nil)
        #expect(try channel(after, since: before).errorRatio == 0.05)
        #expect(try channel(after, since: before).latencyP99 == 1000)
        #expect(try channel(after, since: before).operationsPerSecond == 20)
        #expect(CheckFigures(after, since: before, seconds: 10).operationsPerSecond == 20)
        // Nothing came.
        #expect(try channel(after, since: after).errorRatio == nil)
        #expect(try channel(after, since: after).latencyP99 == nil)
        // The source began anew: all that it reports is new.
        #expect(try channel(before, since: after).latencyP99 == 10000)
        #expect(try channel(before, since: after).errorRatio == 0.5)
        // Another process in the same place.
        let other = Self.collection(completed: 300, errors: 60, buckets: [250, 50], pid: "2")
        #expect(try channel(other, since: before).errorRatio == 0.2)
        // The source was not read the first time: what it reports is not of this time.
        let unread = Self.collection(completed: 0, errors: 0, buckets: [], failure: "timedOut").suffix(3)
        #expect(try channel(after, since: Array(unread)).errorRatio == nil)
        #expect(try channel(after, since: Array(unread)).latencyP99 == nil)
        #expect(CheckFigures(after, since: Array(unread), seconds: 10).sourcesReadOnce.map(\.prefix) == ["p"])
        #expect(CheckFigures(after, since: before, seconds: 10).sourcesReadOnce.isEmpty)
    }

    @Test func aLatencyBeyondAllBoundsIsAboveEveryThreshold() throws {
        let figures = CheckFigures(Self.collection(completed: 10, errors: 0, buckets: [0, 5], rest: 5))
        #expect(figures.channels.first?.latencyP99 == .infinity)
        #expect(try #require(Threshold(argument: "1e300")).state(of: .infinity) == .critical)
        var report = CheckReport()
        report.judge(.latencyP99, [(.infinity, nil)], Threshold(argument: "10"), isReported: true)
        #expect(report.text() == "DMADEV CRITICAL - p99 latency beyond all bounds | latency_p99=U;;10;0")
    }

    @Test func theWorstDecides() {
        #expect([CheckState.ok, .warning, .unknown, .critical].sorted().last == .critical)
        #expect(max(CheckState.warning, .unknown) == .unknown)
        var report = CheckReport()
        report.addFinding(.warning, "a|b")
        report.addFinding(.critical, "c")
        #expect(report.text() == "DMADEV CRITICAL - c, a/b")
        // A line stays short; all are there on wish.
        for number in 0..<20 { report.addFinding(.unknown, "u\(number)") }
        #expect(report.text() == "DMADEV CRITICAL - c, u0, u1, u2, u3, u4, u5, u6, and 14 more: see -v")
        #expect(report.text(verbosity: 1).hasSuffix(", u19, a/b"))
    }
}
