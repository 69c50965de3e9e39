import Glibc
import TelemetryWire
import TestSupport
import Testing

/// `dmascope ps`.
@Suite struct PsTests {
    @Test func everyProcessHasOneRowWithAVerdict() throws {
        let scope = try Scope()
        #expect(rows(try scope.run("ps", "--interval", "0.1").output).isEmpty)
        let well = try scope.serve("--file-prefix", "well", "--workload", "copy")
        defer { well.kill(SIGTERM) }
        let failing = try scope.serve(
            "--device", "fault,every=2:bus_error", "--workload", "copy", "--file-prefix", "broken")
        defer { failing.kill(SIGTERM) }
        let hung = try scope.serve("--file-prefix", "hung")
        defer { hung.kill(SIGKILL) }
        hung.kill(SIGSTOP)
        // The same socket by another path is the same row.
        let again = "/proc/\(well.processID)/root\(scope.socket("well"))"
        let list = try scope.json("ps", "--interval", "0.5", "--scrape-timeout", "0.5", "--socket", again).elements
        #expect(list.map { $0["prefix"]?.string } == ["broken", "hung", "well"])
        #expect(list.map { $0["verdict"]?.string } == ["failing", "no answer", "ok"])
        #expect(list[2]["pid"]?.integer == Int64(well.processID))
        #expect(list[2]["uid"]?.integer == Int64(geteuid()))
        #expect(list[2]["program"]?.string == "dmascope")
        #expect(list[2]["run_directory"]?.string == "\(scope.runDirectory)/dpdk")
        #expect(list[2]["instance"]?.integer == 0)
        #expect(list[2]["devices"]?.elements == [.string("dma0"), .string("dma1")])
        #expect(try #require(list[2]["ops_per_second"]?.double) > 0)
        #expect(list[1]["reason"]?.string?.isEmpty == false && list[1]["ops_per_second"] == .null)
        // It is named when another one is not found.
        expect(
            try scope.run("list", "--file-prefix", "none"), exits: 3,
            saying: "\(scope.runDirectory)/dpdk/well (pid \(well.processID))")
    }

    @Test func aFrozenChannelIsStuck() throws {
        let scope = try Scope()
        let server = try scope.serve("--device", "fault,freeze=5", "--workload", "copy", "--stuck-after", "0.05")
        defer { server.kill(SIGTERM) }
        try eventually("the channel is stuck") {
            try scope.json("ps", "--interval", "0.05").elements.first?["verdict"]?.string == "stuck"
        }
    }
}
