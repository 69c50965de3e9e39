import Glibc
import TelemetryServer
import TelemetryTestSupport
import TelemetryWire
import TestSupport
import Testing

@Suite struct OwnCommandTests {
    private let test: TestServer

    init() throws {
        test = try TestServer([
            TelemetryCommand(path: "/x/number", help: "Gives \"a\" number.") { _ in JSONValue(7) },
            TelemetryCommand(path: "/A", help: "") { _ throws(TelemetryCommandError) in
                throw TelemetryCommandError("not today")
            },
        ])
    }

    @Test func theListHasEveryCommandSorted() throws {
        let names = try test.value("/")?.elements.compactMap(\.string)
        #expect(
            names == [
                "/", "/A", "/eal/lcore/list", "/ethdev/list", "/help", "/info", "/telemetry/clients",
                "/telemetry/errors",
                "/telemetry/stats", "/x/number",
            ])
    }

    @Test func helpHasEveryCommand() throws {
        let client = try test.connect()
        for name in client.value("/")?.elements.compactMap(\.string) ?? [] {
            let help = try #require(client.value("/help,\(name)"))
            #expect(help.keys == [name])
            #expect(help[name]?.string != nil)
        }
        #expect(client.value("/help,/x/number") == .object([.init("/x/number", .string("Gives \"a\" number."))]))
        // As DPDK answers.
        for request in ["/help", "/help,", "/help,/help"] {
            #expect(
                client.ask(request)
                    == #"{"/help":{"/help":"Returns help text for a command. Parameters: string command"}}"#)
        }
        for request in ["/help,nope", "/help,/x/number,"] { #expect(client.value(request) == .null) }
    }

    @Test func clientsOfDPDKFindNoPortsAndNoCores() throws {
        let client = try test.connect()
        #expect(client.ask("/ethdev/list") == #"{"/ethdev/list":[]}"#)
        #expect(client.ask("/eal/lcore/list") == #"{"/eal/lcore/list":[]}"#)
    }

    @Test func theGreetingAndInfoSayTheSame() throws {
        let client = try RawClient(test.path)
        guard case .text(let greeting) = client.receive() else {
            Issue.record("no greeting")
            return
        }
        let tree = try JSONValue(parsing: greeting).tree
        #expect(tree.keys == ["version", "pid", "max_output_len"])
        #expect(tree["pid"]?.integer == Int64(getpid()))
        #expect(tree["max_output_len"]?.integer == 131_072)
        #expect(tree["version"]?.string?.hasPrefix("dmascope ") == true)
        #expect(client.value("/info") == tree)
        #expect(client.value("/info,junk") == tree)
    }

    @Test func clientsAreListedWithWhoTheyAre() throws {
        let first = try test.connect()
        let second = try test.connect()
        _ = second.ask("/")
        let reply = try #require(first.value("/telemetry/clients"))
        #expect(reply["count"]?.integer == 2)
        for client in reply["clients"]?.elements ?? [] {
            #expect(
                client.keys == [
                    "pid", "uid", "gid", "requests", "connected_seconds", "pending_bytes", "right",
                    "privileged_requests",
                ])
            #expect(client["pid"]?.integer == Int64(getpid()))
            #expect(client["uid"]?.integer == Int64(geteuid()))
            #expect(client["gid"]?.integer == Int64(getegid()))
            #expect(client["requests"]?.integer == 1)
            #expect(client["pending_bytes"]?.integer == 0)
        }
    }

    @Test func requestsErrorsAndTimesAreCounted() throws {
        let client = try test.connect()
        for request in ["/", "/", "/nope", "/A", "/x/number"] { _ = client.ask(request) }
        let reply = try #require(client.value("/telemetry/stats"))
        #expect(reply["requests"]?.integer == 6)
        #expect(reply["errors"]?.integer == 2)
        #expect(reply["cached"]?.integer == 1)
        #expect(reply["clients"]?.integer == 1)
        #expect(reply["accepted"]?.integer == 1)
        #expect(reply["refusals"]?.integer == 0)
        #expect(reply["dropped_clients"]?.integer == 0)
        let time = try #require(reply["service_time_ns"])
        #expect(time["count"]?.integer == 5)
        let (sum, maximum) = (time["sum"]?.integer ?? 0, time["max"]?.integer ?? 0)
        #expect(maximum > 0 && sum >= maximum && sum <= 5 * maximum)
    }

    @Test func everyNullHasItsReason() throws {
        let client = try test.connect()
        for request in ["/no\"pe\u{1},1", "/A", "/help,nope", "/telemetry/errors,0", "/telemetry/errors,x"] {
            #expect(client.value(request) == .null)
        }
        let errors = try #require(client.value("/telemetry/errors")?.elements)
        #expect(
            errors.map { $0["request"]?.string } == [
                "/telemetry/errors,x", "/telemetry/errors,0", "/help,nope", "/A", #"/no"pe\x01,1"#,
            ])
        #expect(errors[3]["reason"]?.string == "not today")
        #expect(
            errors.allSatisfy { $0.keys == ["time_ns", "request", "reason"] && $0["reason"]?.string?.isEmpty == false })
        let times = errors.compactMap { $0["time_ns"]?.integer }
        #expect(times == times.sorted(by: >) && times.count == 5)
        #expect(client.value("/telemetry/errors,2")?.elements.count == 2)
        #expect(client.value("/telemetry/errors,2") == .array(Array(errors.prefix(2))))
    }

    @Test func theErrorLogIsBoundedAndKeepsTheLast() throws {
        let client = try test.connect()
        for number in 0..<300 { _ = client.ask("/nope/\(number)/" + String(repeating: "\u{1}", count: 500)) }
        let errors = try #require(client.value("/telemetry/errors")?.elements)
        #expect(errors.count == 128)
        #expect(errors.first?["request"]?.string?.hasPrefix("/nope/299/") == true)
        #expect(errors.last?["request"]?.string?.hasPrefix("/nope/172/") == true)
        #expect(errors.allSatisfy { ($0["request"]?.string?.utf8.count ?? .max) < 600 })
    }

    @Test(arguments: ["x", "", "/a,b", "/a\0", "/" + String(repeating: "a", count: 55), "/info", "/x/twice"])
    func aTableWithAMalformedCommandIsRefused(_ path: String) throws {
        let directory = try TemporaryDirectory()
        let command = TelemetryCommand(path: path, help: "") { _ in JSONValue() }
        let error = #expect(throws: TelemetryServerError.self) {
            _ = try TelemetryServer.start(
                filePrefix: "t", commands: path == "/x/twice" ? [command, command] : [command],
                in: directory.runDirectory)
        }
        #expect(error?.code == .invalidCommand)
        #expect(try directory.contents == [])
    }
}
