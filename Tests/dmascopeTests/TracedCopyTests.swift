import Foundation
import TestSupport
import Testing

/// A file copied by a device while a session records: what happened is in the trace, one to one.
@Suite struct TracedCopyTests {
    @Test("Every chunk of a copied file is one copy in the trace, one operation of the engine, and one in the counters")
    func oneToOne() throws {
        let directory = try TemporaryDirectory()
        let bytes = 5_000_123
        let chunk = 4096
        let operations = (bytes + chunk - 1) / chunk
        try Data((0..<bytes).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 9) })
            .write(to: URL(fileURLWithPath: directory.file("in")))
        let program = try builtProduct("dmascope")
        let trace = try LTTngSession.record(channel: LTTngSession.Channel(subBufferSize: "2M", subBufferCount: 8)) {
            try $0.run(
                program,
                [
                    "copy", directory.file("in"), directory.file("out"), "--chunk", "\(chunk)", "--vchans", "2",
                    "--verify",
                ],
                environment: ["RUNTIME_DIRECTORY": directory.path])
        }
        #expect(trace.discardedCount == 0)
        let copies = try trace.events(named: "dmadev:copy").map { try $0.fields() }.filter { $0["ret"] != -28 }
        #expect(copies.count == operations)
        #expect(copies.filter { $0["vchan"] == 0 }.count == (operations + 1) / 2)
        #expect(copies.filter { $0["length"] == .integer(Int128(chunk)) }.count == operations - 1)
        #expect(copies.filter { $0["length"] == .integer(Int128(bytes % chunk)) }.count == 1)
        for event in ["operation_start", "operation_finish"] {
            #expect(trace.events(named: "dmadev_engine:\(event)").count == operations, "\(event)")
        }
        #expect(trace.events(named: "dmadev:close").count == 1)
    }

    @Test("What a member may not reach is in the trace of the controller, with who tried")
    func refusedAccess() throws {
        let directory = try TemporaryDirectory()
        let program = try builtProduct("dmascope")
        let trace = try LTTngSession.record(["dmadev_group:*"]) {
            try $0.run(
                program, ["demo", "pair", "--size", "64K"], environment: ["RUNTIME_DIRECTORY": directory.path])
        }
        let refused = try trace.events(named: "dmadev_group:access_refused").map { try $0.fields() }
        #expect(refused.count == 1)
        let event = try #require(refused.first)
        #expect([event["group_id"], event["handler"], event["by"], event["status"]] == [0, 1, 2, 3])
        #expect(event["length"] == 1)
        let joined = trace.events(named: "dmadev_group:member_joined").count
        let left = trace.events(named: "dmadev_group:member_left").count
        #expect(joined == 1 && left == 1)
    }
}
