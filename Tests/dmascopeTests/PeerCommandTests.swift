import Foundation
import TelemetryWire
import TestSupport
import Testing

/// list, info, stats, query and trace list, at a dmascope process.
@Suite struct PeerCommandTests {
    @Test func tablesAndJSONTellTheSame() throws {
        let scope = try Scope()
        let server = try scope.serve("--device", "software,name=left", "--device", "software,name=right,max-sges=7")
        defer { server.kill(SIGTERM) }

        let list = try scope.json("list").elements
        #expect(list.map { $0["id"] } == [.integer(0), .integer(1)])
        #expect(list.map { $0.keys.first } == ["id", "id"])
        let table = rows(try scope.run("list").output)
        #expect(table.map { $0[0] } == ["0", "1"])
        #expect(table.map { $0[1] } == ["left", "right"])
        #expect(table.map { $0[2...4].joined(separator: " ") } == ["software started 1/64", "software started 2/64"])
        let capabilities = list[0]["capabilities"]?.members.filter { $0.value == .integer(1) }.map(\.name)
        #expect(table[0][5...].map(String.init) == capabilities)
        #expect(capabilities?.first == "mem2mem")

        #expect(list.map { $0["state"] } == [.string("started"), .string("started")])
        let withoutState = list.map { JSONTree.object($0.members.filter { $0.name != "state" }) }
        #expect(try scope.json("info") == .array(withoutState))
        #expect(try scope.json("info", "right", "0").elements.map { $0["id"] } == [.integer(1), .integer(0)])
        #expect(try scope.run("info", "1").output.contains("max_sges          7\n"))

        let statistics = try scope.json("stats").elements
        #expect(
            statistics.map(\.keys)
                == Array(repeating: ["id", "name", "vchan", "submitted", "completed", "errors"], count: 3))
        #expect(
            rows(try scope.run("stats").output) == [
                ["0", "left", "0", "0", "0", "0"], ["1", "right", "0", "0", "0", "0"],
                ["1", "right", "1", "0", "0", "0"],
            ])
        #expect(
            rows(try scope.run("stats", "right:1", "0").output).map { $0[1...2] } == [["right", "1"], ["left", "0"]])
    }

    @Test func queriesAreAnsweredOneALine() throws {
        let scope = try Scope()
        let server = try scope.serve()
        defer { server.kill(SIGTERM) }
        #expect(try scope.run("query", "dmascope", "/dmadev/list").output == "{\"/dmadev/list\":[0,1]}\n")
        #expect(try scope.run("query", scope.socket(), "/dmadev/list").output == "{\"/dmadev/list\":[0,1]}\n")
        #expect(try scope.run("query", "dmascope:0", "/dmadev/list", "--json").output == "{\"/dmadev/list\":[0,1]}\n")
        let piped = try scope.run("query", "dmascope", input: "/dmadev/list\n\n/dmadev/stats,1,0\n/dmadev/list")
        #expect(
            piped.output.split(separator: "\n") == [
                "{\"/dmadev/list\":[0,1]}", "{\"/dmadev/stats\":{\"submitted\":0,\"completed\":0,\"errors\":0}}",
                "{\"/dmadev/list\":[0,1]}",
            ])
        #expect(piped.exit == .exited(0))
        let pretty = try scope.runOnTerminal("query dmascope /dmadev/list").output
        #expect(pretty == "{\r\n  \"/dmadev/list\": [\r\n    0,\r\n    1\r\n  ]\r\n}\r\n")
    }

    @Test func whatThePeerLacksHasAStatusOfItsOwn() throws {
        let scope = try Scope()
        let server = try scope.serve()
        defer { server.kill(SIGTERM) }
        let null = try scope.run("query", "dmascope", "/nope", "/dmadev/list")
        #expect(null.output == "{\"/nope\":null}\n{\"/dmadev/list\":[0,1]}\n")
        expect(null, exits: 4, saying: "answers /nope with null")
        expect(try scope.run("stats", "0:7"), exits: 4, saying: "answers /dmadev/stats,0,7 with null")
        expect(try scope.run("stats", "9"), exits: 4, saying: "it has 0 (dma0), 1 (dma1)")
        expect(try scope.run("info", "nobody"), exits: 4, saying: "there is no device nobody")
        expect(try scope.run("query", "dmascope", "/help,\u{7f}"), exits: 4, saying: "answers")
        expect(
            try scope.run("query", "dmascope", String(repeating: "x", count: 1024)), exits: 64, saying: "at most 1023")
    }

    @Test func eventsAreListedWithHowToRecordThem() throws {
        let scope = try Scope()
        let server = try scope.serve()
        defer { server.kill(SIGTERM) }
        let own = try scope.json("trace", "list")
        #expect(own.elements.contains { $0["name"] == .string("dmadev:copy") && $0["level"] == .string("TRACE_DEBUG") })
        #expect(
            own.elements.map { $0["name"] }
                == (try scope.json("trace", "list", "--socket", scope.socket()).elements.map { $0["name"] }))
        let text = try scope.run("trace", "list").output
        #expect(text.contains("lttng enable-event --userspace 'dmadev:*','dmadev_engine:*'"))
        // Each part is in the second table, and each event has one of them.
        let parts = ["always", "calls", "bursts", "engine", "groups", "memory"]
        let lines = text.split(separator: "\n")
        for part in parts { #expect(lines.contains { $0.hasPrefix(part + " ") && $0.contains(" ns ") }, "\(part)") }
        let events = try scope.json("trace", "list").elements
        #expect(events.count > 90 && events.allSatisfy { parts.contains($0["part"]?.string ?? "") })
        let costs = Dictionary(uniqueKeysWithValues: events.map { ($0["name"]?.string ?? "", $0) })
        #expect(costs["dmadev:copy"]?["cost_ns"]?.integer == 100)
        #expect(costs["dmadev:burst"]?["cost_per_operation_ns"]?.integer == 10)
        // The README has run these.
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let readme = try String(contentsOf: package.appendingPathComponent("README.md"), encoding: .utf8)
        for line in text.split(separator: "\n") where line.hasPrefix("  lttng ") {
            #expect(readme.contains("$ \(line.dropFirst(2))"), "\(line)")
        }
    }

    @Test func boldIsForTerminalsOfThoseWhoWantIt() throws {
        let scope = try Scope()
        let bold = "\u{1B}[1m"
        #expect(try scope.runOnTerminal("trace list", environment: ["NO_COLOR": ""]).output.hasPrefix(bold))
        #expect(try !scope.runOnTerminal("trace list", environment: ["NO_COLOR": "1"]).output.contains("\u{1B}"))
        #expect(try !scope.runOnTerminal("trace list", environment: ["TERM": "dumb"]).output.contains("\u{1B}"))
        #expect(try !scope.run("trace", "list").output.contains("\u{1B}"))
    }

    @Test func aReaderThatLeavesEndsItQuietly() throws {
        let scope = try Scope()
        func shell(_ command: String) throws -> ProgramResult {
            try runProgram("/bin/bash", ["-o", "pipefail", "-c", command], environment: scope.environment)
        }
        let left = try shell("'\(scope.program)' trace list | head -n 1")
        #expect(left.exit == .exited(0), "\(left)")
        #expect(left.errors == "")
        let full = try shell("'\(scope.program)' trace list >/dev/full")
        expect(full, exits: 1, saying: "cannot write to standard output: No space left on device")
        expect(try shell("'\(scope.program)' trace list >&-"), exits: 1, saying: "cannot write to standard output")
        #expect(try shell("'\(scope.program)' trace list >&- 2>&- <&-").exit == .exited(1))
    }
}
