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
        #expect(Set(declared).symmetricDifference(expectedFields.keys) == [])
        #expect(Set(declared).symmetricDifference(recorded.keys) == [])
        for (name, fields) in expectedFields {
            #expect(recorded[name] == [fields], "\(name)")
        }
    }

    @Test func listsThatAreAbsentOrTooLongKeepTheirTrueCounts() throws {
        let program = try builtProduct("trace-every-event")
        let trace = try LTTngSession.record { try $0.run(program, ["edges"]) }
        let fields = try trace.events.map { try $0.fields() }

        try #require(fields.count == 4)
        #expect(fields[0]["nb_src"] == 5 && fields[0]["src_addr"] == [] && fields[0]["src_len"] == [])
        #expect(fields[0]["nb_dst"] == 0 && fields[0]["dst_addr"] == [] && fields[0]["ret"] == -22)
        #expect(fields[1]["statuses"] == [] && fields[1]["ret"] == 3)
        #expect(fields[2]["statuses"] == [] && fields[2]["ret"] == -22)
        #expect(fields[3]["statuses"] == .sequence((0..<256).map { .integer($0) }) && fields[3]["ret"] == 300)
    }

    @Test func operationsThatAreAbsentOrTooManyKeepTheirTrueCounts() throws {
        let program = try builtProduct("trace-every-event")
        let trace = try LTTngSession.record { try $0.run(program, ["operation-edges"]) }
        let enqueued = try trace.events(named: "dmadev:enqueue_ops").map { try $0.fields() }

        try #require(enqueued.count == 4)
        #expect(enqueued[0]["nb_ops"] == 5 && enqueued[0]["op_flags"] == [] && enqueued[0]["total_src"] == 0)
        #expect(enqueued[0]["src_addr"] == [] && enqueued[0]["dst_len"] == [] && enqueued[0]["ret"] == -22)
        #expect(enqueued[1]["nb_ops"] == 0 && enqueued[1]["user_meta"] == [] && enqueued[1]["ret"] == 0)

        #expect(enqueued[2]["nb_ops"] == 70 && enqueued[2]["total_src"] == 70 && enqueued[2]["total_dst"] == 0)
        #expect(enqueued[2]["user_meta"] == .sequence((0..<64).map { .integer($0) }))
        #expect(enqueued[2]["src_addr"] == .sequence((0..<64).map { .integer(0x1000 + $0) }))

        #expect(enqueued[3]["nb_src"] == [200, 200, 200] && enqueued[3]["total_src"] == 600)
        let lengths = Array(0..<200) + Array(0..<56) as [Int128]
        #expect(enqueued[3]["src_len"] == .sequence(lengths.map { .integer($0) }))
        #expect(enqueued[3]["dst_addr"] == [0, 1, 2] && enqueued[3]["total_dst"] == 3)

        let dequeued = try trace.events(named: "dmadev:dequeue_ops").map { try $0.fields() }
        try #require(dequeued.count == 5)
        #expect(dequeued.map { $0["ret"] } == [3, -22, 0, 2, 300])
        #expect(dequeued.prefix(3).allSatisfy { $0["user_meta"] == [] && $0["statuses"] == [] })
        #expect(dequeued[3]["user_meta"] == [0, 5] && dequeued[3]["statuses"] == [0, 3])
        #expect(dequeued[4]["user_meta"] == .sequence((0..<256).map { .integer($0) }))
        #expect(dequeued[4]["statuses"] == .sequence((1...256).map { .integer($0) }))
    }

    @Test func tablesThatAreAbsentOrTooLongKeepTheirTrueCounts() throws {
        let program = try builtProduct("trace-every-event")
        let trace = try LTTngSession.record { try $0.run(program, ["group-edges"]) }
        let fields = try trace.events.map { try $0.fields() }

        try #require(fields.count == 3)
        #expect(fields[0]["count"] == 100 && fields[0]["handlers"] == .sequence((0..<64).map { .integer($0) }))
        #expect(
            fields[0]["domains"]
                == .sequence((0..<64).flatMap { first in (first..<first + 16).map { .integer($0) } }))
        #expect(fields[1]["count"] == 5 && fields[1]["handlers"] == [] && fields[1]["domains"] == [])
        #expect(fields[2]["count"] == 0 && fields[2]["iovas"] == [] && fields[2]["lengths"] == [])
    }

    @Test func rangesThatAreAbsentOrTooManyKeepTheirTrueCounts() throws {
        let program = try builtProduct("trace-every-event")
        let trace = try LTTngSession.record { try $0.run(program, ["interconnect-edges"]) }
        let fields = try trace.events.map { try $0.fields() }

        try #require(fields.count == 3)
        let kept = TraceValue.sequence((0..<64).map { .integer($0) })
        #expect(fields[0]["nb_ranges"] == 100 && fields[0]["nb_iovas"] == 70)
        #expect(fields[0]["addresses"] == kept && fields[0]["lengths"] == kept && fields[0]["iovas"] == kept)
        #expect(fields[1]["nb_ranges"] == 0 && fields[1]["addresses"] == [] && fields[1]["iovas"] == [])
        #expect(fields[2]["importer"] == "(null)" && fields[2]["interconnect"] == "(null)")
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

    @Test func aProgramKnowsWhichOfItsEventsAreOn() throws {
        let program = try builtProduct("trace-every-event")
        _ = try LTTngSession.record(["dmadev:copy"]) { session in
            let listed = try session.run(program, ["list"]).output.split(separator: "\n")
            // Of the others, some may be on as well: a session of another test is a session of this program too.
            #expect(listed.contains("dmadev:copy TRACE_DEBUG on"))
        }
    }

    @Test func eachRowOfTheTableLeadsToTheTracepointOfItsName() {
        var count = 0
        let rows = UnsafeBufferPointer(start: dmatrace_events(&count), count: count)
        for row in rows {
            #expect(String(cString: row.provider) == String(cString: row.tracepoint.pointee.provider_name))
            #expect(String(cString: row.name) == String(cString: row.tracepoint.pointee.event_name))
        }
        #expect(Set(rows.map(\.tracepoint)).count == count)
    }

    @Test func logLevelsSeparateControlFromData() throws {
        let data: Set = [
            "dmadev:copy", "dmadev:copy_sg", "dmadev:fill", "dmadev:submit", "dmadev:completed",
            "dmadev:completed_status", "dmadev:burst_capacity", "dmadev:enqueue_ops",
            "dmadev:dequeue_ops", "dmadev:enqueue_rejected", "dmadev_engine:operation_start",
            "dmadev_engine:operation_finish",
            "dmadev_engine:operation_failed",
            "dmadev_engine:sleep", "dmadev_engine:wake", "dmadev:burst", "dmadev_engine:completed_burst",
        ]
        let program = try builtProduct("trace-every-event")
        try LTTngSession.lttng("list")  // a daemon is there before the program is
        let holding = try RunningProgram(program, ["hold"], environment: LTTngSession.environment)
        try holding.waitForOutput(containing: "ready")
        let lines = try LTTngSession.listedEvents(of: holding.processID)
        for event in TracePoints.all.map({ "\($0.provider):\($0.name)" }) {
            let line = try #require(lines.first { $0.hasPrefix("\(event) ") }, "\(event) is not listed")
            #expect(line.contains(data.contains(event) ? "TRACE_DEBUG (14)" : "TRACE_INFO (6)"), "\(line)")
        }
        for event in TracePoints.all {
            #expect(event.level == (data.contains("\(event.provider):\(event.name)") ? "TRACE_DEBUG" : "TRACE_INFO"))
        }
        holding.closeInput()
        #expect(try holding.wait().exit == .exited(0))
    }

    @Test func whereNoDaemonRunsAProgramStartsAtOnceWithAllEventsOff() throws {
        let program = try builtProduct("trace-every-event")
        let unshare = try requiredTool("unshare", package: "util-linux")
        let home = try TemporaryDirectory()
        // Root's daemon is reached through /run/lttng: hide that, in a mount namespace of the program's own.
        let script = "test ! -d /run/lttng || mount -t tmpfs none /run/lttng && exec \(program) list"
        let start = ContinuousClock.now
        let result = try runProgram(
            unshare, (geteuid() == 0 ? [] : ["--map-root-user"]) + ["--mount", "sh", "-c", script],
            environment: ["LTTNG_UST_REGISTER_TIMEOUT": "60000", "LTTNG_HOME": home.path])
        #expect(result.exit == .exited(0), "\(result)")
        #expect(result.output.split(separator: "\n").filter { $0.hasSuffix(" off") }.count == TracePoints.all.count)
        #expect(ContinuousClock.now - start < .seconds(20))  // a program that waits would take 60
    }
}
