import Foundation
import TelemetryWire
import TestSupport
import Testing

/// vchans and errors, at a dmascope process.
@Suite struct LookingTests {
    @Test func channelsAreShownWithTheirRings() throws {
        let scope = try Scope()
        let server = try scope.serve(
            "--device", "software,name=left", "--device", "software,name=right,max-desc=16", "--device",
            "software,name=idle,capabilities=fill")
        defer { server.kill(SIGTERM) }
        let table = rows(try scope.run("vchans").output).map { $0.joined(separator: " ") }
        #expect(
            table == [
                "0 left 0 idle mem2mem none 0 0 1024 1024 0 0 0 0 65535",
                "1 right 0 idle mem2mem none 0 0 16 16 0 0 0 0 65535",
                "1 right 1 idle mem2mem none 0 0 16 16 0 0 0 0 65535",
                // It cannot copy, so that its channel could not be set up.
                "2 idle 0 not set up - - - - - - - - - - -",
            ])
        let json = try scope.json("vchans", "right", "0").elements
        #expect(json.map { $0["id"] } == [.integer(1), .integer(1), .integer(0)])
        #expect(json[0].keys.prefix(5) == ["id", "name", "vchan", "state", "direction"])
        #expect(json[0]["nb_desc"] == .integer(16))
        #expect(try scope.json("vchans", "idle").elements.map(\.keys) == [["id", "name", "vchan", "state"]])
        expect(try scope.run("vchans", "nobody"), exits: 4, saying: "there is no device nobody")
    }

    @Test func whatWentWrongIsShownNewestFirst() throws {
        let scope = try Scope()
        // A device that cannot copy fails the call that sets its channel up.
        let server = try scope.serve("--device", "software,capabilities=fill")
        defer { server.kill(SIGTERM) }
        #expect(rows(try scope.run("errors").output).count == 1)
        _ = try scope.run("query", "dmascope", "/first", "/dmadev/stats,9\u{1B}[2J")

        let errors = try scope.json("errors")
        #expect(errors.keys == ["calls", "requests"])
        let call = try #require(errors["calls"]?[0])
        #expect(call["call"] == .string("vchan_setup") && call["errno"] == .integer(22))
        #expect(errors["requests"]?.elements.map { $0["request"]?.string?.prefix(6) } == ["/dmade", "/first"])
        #expect(try scope.json("errors", "1")["requests"]?.elements.count == 1)

        let text = try runProgram(
            scope.program, ["errors"], environment: scope.environment.merging(["TZ": "XYZ-05:30"]) { $1 }
        ).output
        let lines = rows(text)
        #expect(lines.map { $0[2] } == ["request", "request", "call"])
        #expect(lines[1][3...4].joined(separator: " ") == "1 /first")
        #expect(lines[2][3...8].joined(separator: " ") == "1 vchan_setup 0 - Invalid argument")
        #expect(!text.contains("\u{1B}"))
        let time = try #require(call["last_ns"]?.unsigned)
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(secondsFromGMT: 19800)
        formatter.dateFormat = "yyyy-MM-dd HH:mm:ss"
        let date = formatter.string(from: Date(timeIntervalSince1970: TimeInterval(time / 1_000_000_000)))
        #expect(lines[2][0...1].joined(separator: " ").hasPrefix(date + "."))
    }
}
