import Synchronization
import TelemetryServer
import TelemetryTestSupport
import TelemetryWire
import TestSupport
import Testing

@Suite struct ReplyTests {
    @Test func aReplyThatOutgrowsItsLimitIsNullWithAReason() throws {
        let limit = TelemetryServer.maximumOutputLength
        let around = #"{"/big":""}"#.utf8.count
        let fits = try TestServer([.text("/big", length: limit - around)])
        #expect(try fits.connect().ask("/big")?.utf8.count == limit)
        let outgrows = try TestServer([.text("/big", length: limit - around + 1)])
        let client = try outgrows.connect()
        #expect(client.value("/big") == .null)
        let reason = client.value("/telemetry/errors")?[0]?["reason"]?.string
        #expect(reason?.contains("\(limit + 1)") == true && reason?.contains("\(limit)") == true)
    }

    @Test func whatAHandlerSaysIsEscapedAndRepaired() throws {
        let client = try TestServer([
            TelemetryCommand(path: "/junk", help: "") { _ in JSONValue(repairing: Array(0...255)) },
            TelemetryCommand(path: "/q\"\n", help: "\"") { _ in JSONValue("\"") },
        ]).connect()
        let text = try #require(client.ask("/junk"))
        #expect(!text.utf8.contains { $0 < 0x20 })
        #expect(
            try JSONValue(parsing: text).tree["/junk"]?.string == String(decoding: Array<UInt8>(0...255), as: UTF8.self)
        )
        #expect(client.value("/q\"\n") == .string("\""))
    }

    @Test func aReplyIsKeptAsLongAsItsGenerationStays() throws {
        let calls = Counter()
        let generation = Counter()
        let client = try TestServer([
            TelemetryCommand(path: "/kept", help: "", generation: { generation.value }) { request in
                var object = JSONValue.object()
                object.set("parameters", request.parameters ?? "")
                object.set("call", calls.increment())
                return object
            }
        ]).connect()
        let first = client.ask("/kept,1")
        #expect(client.ask("/kept,1") == first)
        #expect(calls.value == 1)
        #expect(client.value("/kept,2")?["parameters"]?.string == "2")
        #expect(client.value("/kept")?["parameters"]?.string == "")
        #expect(calls.value == 3)
        _ = generation.increment()
        #expect(client.value("/kept,1")?["call"]?.integer == 4)
        #expect(client.value("/kept,1")?["call"]?.integer == 4)
        #expect(client.value("/telemetry/stats")?["cached"]?.integer == 2)
    }

    @Test func aReplyOfNumbersIsRefreshed() throws {
        let (requests, refreshes, generation) = (Counter(), Counter(), Counter())
        let client = try TestServer([
            TelemetryCommand(path: "/counts", help: "", generation: { generation.value }) { request in
                let made = requests.increment()
                let request = request.parameters == "b" ? UInt64.max : 0
                return { (set) throws(TelemetryCommandError) in
                    let value = refreshes.increment()
                    guard value != 4 else { throw TelemetryCommandError("not the fourth time") }
                    set("request", request)
                    set("made", made)
                    set("value", value)
                }
            }
        ]).connect()
        #expect(client.ask("/counts,a\"") == #"{"/counts":{"request":0,"made":1,"value":1}}"#)
        #expect(client.ask("/counts,b") == #"{"/counts":{"request":18446744073709551615,"made":2,"value":2}}"#)
        #expect(client.ask("/counts,a\"") == #"{"/counts":{"request":0,"made":1,"value":3}}"#)
        #expect(client.value("/counts,b") == .null)
        #expect(client.ask("/counts,b") == #"{"/counts":{"request":18446744073709551615,"made":2,"value":5}}"#)
        _ = generation.increment()
        #expect(client.ask("/counts,b") == #"{"/counts":{"request":18446744073709551615,"made":3,"value":6}}"#)
    }

    @Test func anErrorIsNotKept() throws {
        let calls = Counter()
        let client = try TestServer([
            TelemetryCommand(path: "/moody", help: "", generation: { 0 }) { _ throws(TelemetryCommandError) in
                guard calls.increment() > 1 else { throw TelemetryCommandError("not the first time") }
                return JSONValue(true)
            }
        ]).connect()
        #expect(client.value("/moody") == .null)
        #expect(client.value("/moody") == .bool(true))
    }

    @Test func aReplyWithoutGenerationIsAlwaysNew() throws {
        let calls = Counter()
        let client = try TestServer([
            TelemetryCommand(path: "/new", help: "") { _ in JSONValue(calls.increment()) }
        ]).connect()
        #expect((1...5).map { _ in client.value("/new")?.integer } == [1, 2, 3, 4, 5])
    }

    @Test func manyKeptRepliesNeverMixUp() throws {
        let client = try TestServer([
            TelemetryCommand(path: "/echo", help: "", generation: { 0 }) { JSONValue($0.parameters ?? "") }
        ]).connect()
        var random = SeededGenerator(for: "manyKeptRepliesNeverMixUp")
        for _ in 0..<3000 {
            let word = String(UInt64.random(in: 0..<500, using: &random))
            #expect(client.value("/echo,\(word)") == .string(word))
        }
    }
}

private final class Counter: Sendable {
    private let count = Atomic<UInt64>(0)

    var value: UInt64 { count.load(ordering: .sequentiallyConsistent) }

    func increment() -> UInt64 { count.add(1, ordering: .sequentiallyConsistent).newValue }
}
