import DMATrace
import TestSupport
import Testing

/// What the library's calls leave in a trace: each its event, whatever the result.
@Suite struct PublicCallsTests {
    @Test("Every public call leaves its event with its arguments and its result, errors too")
    func everyCall() throws {
        let program = try builtProduct("trace-every-call")
        var output = ""
        let trace = try LTTngSession.record { output = try $0.run(program).output }
        #expect(trace.discardedCount == 0)

        let expected = try output.split(separator: "\n").map { try ExpectedEvent($0) }
        var recorded = trace.events.filter { $0.name.hasPrefix("dmadev:") }[...]
        for event in expected {
            // A status that is still active is asked again: only the last answer is expected.
            while event.name == "dmadev:vchan_status", let first = recorded.first, first.name == event.name,
                try first.fields()["status"] == 1
            {
                recorded = recorded.dropFirst()
            }
            let found = try #require(recorded.first, "nothing left for \(event)")
            recorded = recorded.dropFirst()
            #expect(found.name == event.name)
            let fields = try found.fields()
            for (field, value) in event.fields { #expect(fields[field] == value, "\(field) of \(event), in \(found)") }
        }
        #expect(recorded.isEmpty)

        let declared = Set(TracePoints.all.filter { $0.provider == "dmadev" }.map { "dmadev:\($0.name)" })
        #expect(declared.subtracting(expected.map(\.name)).isEmpty)
    }

    @Test("Windows that go with their group are traced before its end, which says why")
    func groups() throws {
        let program = try builtProduct("trace-every-call")
        let trace = try LTTngSession.record(["dmadev_group:*"]) { try $0.run(program) }
        let ends = try trace.events(named: "dmadev_group:group_destroyed").map { try $0.fields()["reason"] }
        #expect(ends == ["destroyed", "destroyed", "creator_died"])
        let added = try trace.events(named: "dmadev_group:window_added").map { try $0.fields()["iova"] }
        let removed = try trace.events(named: "dmadev_group:window_removed").map { try $0.fields()["iova"] }
        #expect(added == removed && added.count == 3)
        let last = trace.events.suffix(5).map { String($0.name) }
        #expect(
            last
                == ["window_removed", "window_removed", "group_destroyed", "handler_revoked", "handler_revoked"]
                .map { "dmadev_group:" + $0 })
    }

    @Test("The engine tells when each operation starts and how it ends")
    func engine() throws {
        let program = try builtProduct("trace-every-call")
        let trace = try LTTngSession.record(["dmadev_engine:*"]) { try $0.run(program) }
        let starts = try trace.events(named: "dmadev_engine:operation_start").map { try $0.fields() }
        let ends = try trace.events(named: "dmadev_engine:operation_finish").map { try $0.fields() }
        #expect(starts.map { $0["ring_idx"] } == [0, 1, 2, 3, 0])
        #expect(starts.map { $0["kind"] } == [1, 3, 2, 1, 2])
        #expect(ends.map { $0["ring_idx"] } == [0, 1, 2, 3, 0])
        #expect(ends.map { $0["status"] } == [0, 0, 0, 3, 0])
        let names = Set(trace.events.map { String($0.name) })
        let declared = Set(TracePoints.all.filter { $0.provider == "dmadev_engine" }.map { "dmadev_engine:\($0.name)" })
        // An engine may end before it ever sleeps, and it is in this process.
        let missing = declared.subtracting(names).subtracting(["dmadev_engine:sleep", "dmadev_engine:wake"])
        #expect(missing == ["dmadev_engine:ring_mapped"])
    }
}

/// A line of `trace-every-call`: `name field=value …`.
private struct ExpectedEvent: CustomStringConvertible {
    let name: String
    let fields: [String: TraceValue]
    let description: String

    init(_ line: Substring) throws {
        let words = line.split(separator: " ")
        name = String(try #require(words.first))
        var fields: [String: TraceValue] = [:]
        for word in words.dropFirst() {
            let pair = word.split(separator: "=", maxSplits: 1)
            try #require(pair.count == 2)
            fields[String(pair[0])] = Int128(pair[1]).map(TraceValue.integer) ?? .string(String(pair[1]))
        }
        self.fields = fields
        description = String(line)
    }
}
