import Foundation
import TelemetryClient
import TelemetryWire
import TestSupport
import Testing

@Suite struct BenchTests {
    static let keys = [
        "driver", "operation", "size", "burst", "vchans", "seconds", "operations", "bytes", "errors", "ops_per_second",
        "bytes_per_second", "ns_per_op", "p50_ns", "p90_ns", "p99_ns", "p99_9_ns",
    ]

    @Test(arguments: ["copy", "fill", "copy_sg"], [[], ["--touch"], ["--device", "software,max-desc=4,max-sges=2"]])
    func everyOperationIsMeasured(operation: String, options: [String]) throws {
        let scope = try Scope()
        let result = try scope.run(
            ["bench", "--operation", operation, "--size", "1,100,64K", "--burst", "1,3", "--vchans", "2", "--json"]
                + ["--seconds", "0.02"] + options)
        #expect(result.exit == .exited(0), "\(result)")
        #expect(result.errors == "")
        let rows = try JSONValue(parsing: result.output).tree.elements
        #expect(rows.map(\.keys) == Array(repeating: Self.keys, count: 6))
        #expect(rows.map { $0["size"]?.integer } == [1, 1, 100, 100, 65536, 65536])
        #expect(rows.map { $0["burst"]?.integer } == [1, 3, 1, 3, 1, 3])
        for row in rows {
            #expect(row["operation"] == .string(operation))
            #expect(row["errors"] == .integer(0))
            let operations = try #require(row["operations"]?.integer)
            let seconds = try #require(row["seconds"]?.double)
            #expect(operations > 0 && seconds >= 0.02)
            #expect(try row["bytes"]?.integer == operations * #require(row["size"]?.integer))
            #expect(row["ops_per_second"]?.double == Double(operations) / seconds)
            #expect(row["ns_per_op"]?.double == seconds * 1e9 / Double(operations))
            let percentiles = Self.keys.suffix(4).compactMap { row[$0]?.unsigned }
            #expect(percentiles == percentiles.sorted())
        }
        #expect(try scope.leftovers.isEmpty)
    }

    @Test func aDeviceThatReachesOnlyMappedMemoryIsMeasuredToo() throws {
        let rows = try Scope().json(
            "bench", "--device", "software,capabilities=mem2mem+copy", "--size", "4K", "--burst", "2", "--seconds",
            "0.02")
        #expect(rows.elements.map { $0["errors"] } == [.integer(0)])
    }

    @Test func aControllersDeviceIsMeasuredInItsOwnMemory() throws {
        let scope = try Scope()
        let server = try scope.serve()
        let rows = try scope.json(
            "bench", "--device", "controller,socket=\(scope.runDirectory)/dmascope/dmascope.control", "--size",
            "64,64K",
            "--burst", "32", "--operation", "copy,fill,copy_sg", "--vchans", "2", "--seconds", "0.02"
        ).elements
        #expect(rows.map { $0["errors"] } == Array(repeating: .integer(0), count: 6))
        #expect(rows.allSatisfy { $0["operations"]?.integer ?? 0 > 0 && $0["driver"]?.string == "controller" })
        let info = try scope.controllerInfo()
        #expect(try #require(info["operations"]?.integer) >= rows.reduce(0) { $0 + ($1["operations"]?.integer ?? 0) })
        server.kill(SIGTERM)
        try server.wait()
    }

    @Test func textIsATableAndCSVHasTheNamesOfJSON() throws {
        let scope = try Scope()
        let options = ["--size", "64,4K", "--burst", "32", "--seconds", "0.02"]
        let text = try scope.run(["bench"] + options).output
        let lines = text.split(separator: "\n")
        #expect(lines.count == 3)
        #expect(lines[0].split(separator: " ").first == "OPERATION")
        #expect(Set(lines.map(\.count)).count == 1, "\(text)")
        #expect(rows(text).map { $0.prefix(4).joined(separator: " ") } == ["copy 64 32 1", "copy 4K 32 1"])

        let csv = try scope.run(["bench", "--csv"] + options).output.split(separator: "\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        #expect(csv[0] == Self.keys)
        #expect(
            csv.dropFirst().map { $0.prefix(5) } == [
                ["software", "copy", "64", "32", "1"], ["software", "copy", "4096", "32", "1"],
            ])
        #expect(csv.dropFirst().allSatisfy { $0.dropFirst(2).allSatisfy { Double($0) != nil } })
    }

    @Test(arguments: [(SIGINT, 130 as Int32), (SIGTERM, 143 as Int32)])
    func aSignalEndsItWithTheRowsSoFar(signal: Int32, status: Int32) throws {
        let scope = try Scope()
        let sizes = Array(repeating: "64", count: 1000).joined(separator: ",")
        let bench = try scope.start("bench", "--size", sizes, "--burst", "8", "--seconds", "0.05")
        try bench.waitForOutput(containing: "\ncopy")
        bench.kill(signal)
        let result = try bench.wait()
        expect(result, exits: status, saying: "interrupted by a signal")
        #expect((2..<1000).contains(result.output.split(separator: "\n").count))
        #expect(result.output.hasSuffix(" 0\n"))
        #expect(try scope.leftovers.isEmpty)
    }

    @Test func itAnswersClientsMeanwhileAndIsValidJSONWhateverTheEnd() throws {
        let scope = try Scope()
        let bench = try scope.start("bench", "--size", "64", "--burst", "8", "--seconds", "3600", "--json")
        while true {
            if let client = try? TelemetryClient(path: scope.socket()),
                let done = try? client.request("/dmadev/stats,0").tree["completed"]?.unsigned, done > 100
            {
                break
            }
        }
        bench.kill(SIGINT)
        let result = try bench.wait()
        #expect(result.output == "[]\n")
        expect(result, exits: 130, saying: "interrupted by a signal")
    }

    @Test func operationsThatFailAreCounted() throws {
        let result = try Scope().run(
            "bench", "--device", "fault,from=10:bus_error", "--size", "64", "--burst", "8", "--seconds", "0.05",
            "--json")
        expect(result, exits: 1, saying: "operations failed")
        let row = try #require(try JSONValue(parsing: result.output).tree[0])
        let (operations, bytes) = (row["operations"]?.integer ?? 0, row["bytes"]?.integer ?? 0)
        // The 1st is checked before the time begins, the last after it.
        #expect(bytes == 8 * 64)
        #expect(row["errors"] == .integer(operations - 8 + 1))
    }

    @Test func aDeviceThatHaltsIsNotWaitedFor() throws {
        expect(
            try Scope().run("bench", "--device", "fault,halt=100", "--burst", "8", "--csv"), exits: 1,
            saying: "the device has halted")
    }

    @Test func aSignalEndsTheWaitForADeviceThatIsFrozen() throws {
        let scope = try Scope()
        let bench = try scope.start("bench", "--device", "fault,freeze=100", "--burst", "8", "--seconds", "0.01")
        while true {
            if let client = try? TelemetryClient(path: scope.socket()),
                let done = try? client.request("/dmadev/stats,0").tree["submitted"]?.unsigned, done > 100
            {
                break
            }
        }
        bench.kill(SIGTERM)
        expect(try bench.wait(), exits: 143, saying: "interrupted by a signal")
    }

    @Test func whatADeviceCannotIsSaid() throws {
        let scope = try Scope()
        for (options, sentence) in [
            (["--operation", "fill", "--device", "software,capabilities=mem2mem+copy"], "lacks the capability fill"),
            (["--vchans", "3", "--device", "software,vchans=2"], "the device takes 1 to 2"),
            (["--burst", "5", "--device", "software,max-desc=4"], "has only 4 descriptors: use a smaller --burst"),
        ] {
            expect(try scope.run(["bench", "--csv"] + options), exits: 1, saying: sentence)
        }
    }
}
