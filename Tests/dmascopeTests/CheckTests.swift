import Glibc
import OpenMetricsText
import TelemetryClient
import TelemetryTestSupport
import TelemetryWire
import TestSupport
import Testing

@testable import dmascope

/// `dmascope check`.
@Suite struct CheckTests {
    private let scope: Scope

    init() throws { scope = try Scope() }

    private func check(_ arguments: String...) throws -> ProgramResult {
        try scope.run(["check"] + arguments)
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
        expect(result, exits: 0, "OK - 2 devices, 1 source | devices=2;;@0:1 error_ratio=0;0.01;0.05 occupancy=")
        #expect(result.output.contains("latency_p99=") && result.output.contains("us;;20000000"))

        expect(
            try check("--source", "mine", "--min-devices", "3"), exits: 2,
            "CRITICAL - 2 devices, at least 3 are required | ")
        expect(try check("--source", "mine", "--max-latency-p99", "0,20000000"), exits: 1, "WARNING - p99 latency ")
        expect(try check("--source", "mine", "--max-latency-p99", "0"), exits: 2, "CRITICAL - p99 latency ")
        expect(
            try check("--source", "mine", "--interval", "0.2", "--max-error-ratio", "0"), exits: 0, "OK - 2 devices")
    }

    @Test func failedOperationsAreTold() throws {
        let server = try scope.serve(
            "--device", "fault,fail=2:bus_error", "--workload", "copy", "--file-prefix", "faulty")
        defer { server.kill(SIGTERM) }
        while try scope.json("stats", "--file-prefix", "faulty").elements.allSatisfy({ $0["errors"] == .integer(0) }) {}
        let result = try check("--source", "faulty", "--max-error-ratio", "0")
        expect(result, exits: 2, "CRITICAL - error ratio 0.")
    }

    @Test func whatIsNotThereIsTold() throws {
        expect(try check("--source", "none"), exits: 2, "CRITICAL - no process matches none\n")
        let path = scope.directory.file("none")
        expect(
            try check("--socket", path, "--source", path), exits: 2,
            "CRITICAL - no answer from \(path) (notFound) | devices=0")
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
        ["--interval", "0"], ["--bogus"], ["--max-latency-p99", "20:10"],
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
        report.add("latency_p99", nil, Threshold(argument: "10"), "p99 latency", isReported: false)
        #expect(report.text == "DMADEV UNKNOWN - no process reports the p99 latency")
        var idle = CheckReport()
        idle.add("latency_p99", nil, Threshold(argument: "10"), "p99 latency")
        #expect(idle.state == .ok)
        var absurd = CheckReport()
        absurd.add("occupancy", -1, nil, "occupancy", domain: 0...1)
        #expect(absurd.text == "DMADEV UNKNOWN - occupancy -1 is impossible | occupancy=-1;;")
    }

    @Test func aStuckChannelIsCritical() throws {
        #expect(CheckFigures(Self.collection(completed: 1, errors: 0, buckets: [], state: "stuck")).stuck == ["dma0:0"])
        let server = try scope.serve("--device", "fault,freeze=5", "--workload", "copy", "--stuck-after", "0.05")
        defer { server.kill(SIGTERM) }
        try eventually("it is stuck") { try check().exit == .exited(2) }
        #expect(try check().output.hasPrefix("DMADEV CRITICAL - "))
        #expect(try check().output.contains(":0 is stuck | devices=1"))
    }

    // The figures, of collections that were made up.

    private static let labels: LabelSet = ["prefix": "p", "name": "dma0", "vchan": "0"]

    private static func collection(
        completed: UInt64, errors: UInt64, buckets: [UInt64], rest: UInt64 = 0, state: String = "idle"
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
        ]
    }

    @Test func figuresAreOfTheTimeBetweenTwoCollections() {
        let before = Self.collection(completed: 100, errors: 50, buckets: [50, 50])
        let after = Self.collection(completed: 300, errors: 60, buckets: [250, 50])
        #expect(CheckFigures(after).errorRatio == 0.2)
        #expect(CheckFigures(after).latencyP99 == 0.01)
        #expect(CheckFigures(after, since: before).errorRatio == 0.05)
        #expect(CheckFigures(after, since: before).latencyP99 == 0.001)
        // Nothing came, or the source began anew.
        #expect(CheckFigures(after, since: after).errorRatio == nil)
        #expect(CheckFigures(after, since: after).latencyP99 == nil)
        #expect(CheckFigures(before, since: after).latencyP99 == 0.01)
        #expect(CheckFigures(after, selector: TelemetrySourceSelector("other")).errorRatio == nil)
    }

    @Test func aLatencyBeyondAllBoundsIsAboveEveryThreshold() throws {
        let figures = CheckFigures(Self.collection(completed: 10, errors: 0, buckets: [0, 5], rest: 5))
        #expect(figures.latencyP99 == .infinity)
        #expect(try #require(Threshold(argument: "1e300")).state(of: .infinity) == .critical)
        var report = CheckReport()
        report.add("latency_p99", .infinity, unit: "us", Threshold(argument: "10"), "p99 latency")
        #expect(report.text == "DMADEV CRITICAL - p99 latency infus | latency_p99=U;;10")
    }

    @Test func aHaltedChannelIsFound() {
        #expect(
            CheckFigures(Self.collection(completed: 1, errors: 0, buckets: [], state: "halted")).halted == [
                "dma0:0"
            ])
        #expect(CheckFigures(Self.collection(completed: 1, errors: 0, buckets: [])).halted.isEmpty)
    }

    @Test func theWorstDecides() {
        #expect([CheckState.ok, .warning, .unknown, .critical].sorted().last == .critical)
        #expect(max(CheckState.warning, .unknown) == .unknown)
        var report = CheckReport()
        report.addFinding(.warning, "a|b")
        report.addFinding(.critical, "c")
        report.addFinding(.ok, "d")
        #expect(report.text == "DMADEV CRITICAL - a/b, c, d")
    }
}
