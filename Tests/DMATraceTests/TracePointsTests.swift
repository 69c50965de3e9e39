import CDMATrace
import DMATrace
import Foundation
import TestSupport
import Testing

/// Tests that trace real processes through a real session daemon.
@Suite struct TracePointsTests {
    @Test func everyEventIsRecordedOnceWithTheValuesOfItsCall() throws {
        let program = try builtProduct("trace-every-event")
        let trace = try LTTngSession.record { try $0.run(program, ["once"]) }

        #expect(trace.discardedCount == 0)
        let recorded = try Dictionary(grouping: trace.events) { String($0.name) }.mapValues {
            try $0.map { try $0.fields() }
        }
        let declared = TracePoints.all.map { "\($0.provider):\($0.name)" }
        #expect(Set(declared) == Set(expectedFields.keys))
        #expect(Set(declared) == Set(recorded.keys))
        for (name, fields) in expectedFields {
            #expect(recorded[name] == [fields], "\(name)")
        }
    }

    @Test func hundredThousandCopiesAreHundredThousandEvents() throws {
        let program = try builtProduct("trace-every-event")
        // 16 MiB a processor hold all of them (5 MiB), whatever the consumer does meanwhile.
        let channel = LTTngSession.Channel(subBufferSize: "2M", subBufferCount: 8)
        let trace = try LTTngSession.record(channel: channel) { try $0.run(program, ["copies", "100000"]) }

        #expect(trace.events(named: "dmadev:copy").count == 100_000)
        #expect(trace.events.count == 100_000)
        #expect(trace.discardedCount == 0)
        #expect(try trace.events.last?.fields()["length"] == 99_999)
    }

    @Test func eventsThatDoNotFitIntoTheChannelAreCounted() throws {
        let program = try builtProduct("trace-every-event")
        let channel = LTTngSession.Channel(subBufferSize: "4k", subBufferCount: 2)
        let trace = try LTTngSession.record(channel: channel) { try $0.run(program, ["copies", "100000"]) }

        #expect(trace.discardedCount > 0)
        #expect(trace.events.count + trace.discardedCount == 100_000)
    }

    @Test func whatTheSessionDoesNotAskForIsNotRecorded() throws {
        let program = try builtProduct("trace-every-event")
        let trace = try LTTngSession.record(["dmadev:start"]) {
            try $0.run(program, ["copies", "1000"])
            try $0.run(program, ["once"])
        }
        #expect(trace.events.map(\.name) == ["dmadev:start"])
    }

    @Test func aFilterPicksOneDevice() throws {
        let program = try builtProduct("trace-every-event")
        let trace = try LTTngSession.record(["dmadev:copy"], filter: "dev_id == 1") {
            try $0.run(program, ["copies", "1000"])
        }
        #expect(trace.events.count == 500)
        #expect(try trace.events.allSatisfy { try $0.fields()["dev_id"] == 1 })
    }

    @Test func logLevelsSeparateControlFromData() throws {
        let program = try builtProduct("trace-every-event")
        try LTTngSession.lttng("list")  // a daemon is there before the program is
        let holding = try RunningProgram(program, ["hold"], environment: LTTngSession.environment)
        try holding.waitForOutput(containing: "ready")
        let listed = try LTTngSession.lttng("list", "--userspace").split(separator: "PID: ").first {
            $0.hasPrefix("\(holding.processID) ")
        }
        let lines = try #require(listed).split(separator: "\n")
        for event in TracePoints.all {
            let line = lines.first { $0.contains(" \(event.provider):\(event.name) ") }
            #expect(
                line?.contains("\(event.level) (") == true, "\(event.provider):\(event.name): \(line ?? "not listed")")
        }
    }
}
