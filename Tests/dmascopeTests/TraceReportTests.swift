import Foundation
import TelemetryWire
import TestSupport
import Testing

/// `dmascope trace report` as text, JSON, CSV and HTML.
@Suite struct TraceReportTests {
    @Test("Every form has the same groups, denials, memory, and failed calls with names and reasons of errors")
    func forms() throws {
        let scope = try Scope()
        try LTTngSession.analyze(["dmadev*"], channel: .init()) {
            try $0.run(builtProduct("trace-every-event"), ["once"])
        } read: { directories in
            func report(_ arguments: String...) throws -> String {
                let result = try scope.run(["trace", "report"] + arguments + directories)
                #expect(result.exit == .exited(0) && result.errors.isEmpty, "\(result)")
                return result.output
            }
            let (text, page) = (try report(), try report("--html"))
            let tree = try JSONValue(parsing: report("--json")).tree
            for (name, row, shown) in [
                ("groups", "creator_died", ["GROUP", "creator_died", "4711"]),
                (
                    "members", "32333435-3637-3839-3a3b-3c3d3e3f4041",
                    ["HANDLER", "32333435-3637-3839-3a3b-3c3d3e3f4041"]
                ),
                ("denials", "EACCES", ["DENIED", "EACCES: Permission denied", "invalid_dst_addr"]),
                ("memory", "4096", ["MEMORY OF", "4 KiB"]),
                ("fallbacks", "not connected", ["NOT USED", "near_link", "not connected", "EOPNOTSUPP"]),
                ("failed_calls", "EBUSY", ["FAILED CALL", "access_group_destroy", "EBUSY: "]),
            ] {
                let table = try report("--csv", "--table", name)
                #expect(table.contains(row), "\(name): \(table)")
                let titles = try #require(table.split(separator: "\n").first).split(separator: ",").map(String.init)
                guard case .array(let rows)? = tree[name] else {
                    Issue.record("no \(name)")
                    continue
                }
                #expect(rows.count == table.split(separator: "\n").count - 1)
                #expect(rows.allSatisfy { $0.members.map(\.name) == titles }, "\(name)")
                for word in shown {
                    #expect(text.contains(word), "\(name): \(word) in \(text)")
                    if word != word.uppercased() { #expect(page.contains(word), "\(name): \(word)") }
                }
                #expect(page.contains("<table class=\"\(name)\">"))
            }
        }
    }

    @Test func aTableIsForCSV() throws {
        let scope = try Scope()
        expect(try scope.run("trace", "report", "--table", "groups", "."), exits: 64, saying: "--table is for --csv")
        expect(
            try scope.run("trace", "report", "--csv", "--table", "tokens", "."), exits: 64,
            saying: "dmascope trace report --help")
    }
}
