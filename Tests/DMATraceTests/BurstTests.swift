import DeviceDrivers
import TestSupport
import Testing

/// The two events that a busy device can afford: with them alone, a trace holds every operation.
@Suite struct BurstTests {
    static let events = ["dmadev:burst", "dmadev_engine:completed_burst"]
    /// Sub-buffers as small as LTTng makes them unasked, and as many as a test needs.
    static let small = LTTngSession.Channel(subBufferSize: "16k", subBufferCount: 256)

    @Test(
        "Each operation is in the trace once, as it was asked for and as it ended; their numbers are those of the counters",
        arguments: DriverTable.all.map(\.name), ["plain", "silent", "operations"])
    func everyOperation(driver: String, mode: String) throws {
        let program = try builtProduct("trace-bursts")
        let seed = SeededGenerator(for: "\(driver) \(mode)").seed
        var output = ""
        let failure = "dmadev_engine:operation_failed"
        let trace = try LTTngSession.record(Self.events + [failure], channel: Self.small) {
            guard driver == "controller" else {
                output = try $0.run(program, ["random", "\(driver),max-sges=64", mode, "\(seed)", "1500"]).output
                return
            }
            // The engine is in a process of its own, and so is its half of the trace.
            let directory = try TemporaryDirectory()
            let path = directory.file("control")
            let controller = try $0.start(builtProduct("controller-host"), [path])
            try controller.waitForOutput(containing: "ready")
            output = try $0.run(program, ["random", path, mode, "\(seed)", "1500"]).output
            controller.closeInput()
            #expect(try controller.wait().exit == .exited(0))
        }
        #expect(trace.discardedCount == 0)
        let printed = try PrintedLoad(output)
        let bursts = try trace.events(named: "dmadev:burst").map { try Burst($0) }
        #expect(bursts.allSatisfy { $0.rows.count <= 256 })
        #expect(bursts.reduce(0) { $0 + $1.rows.count } == printed.submitted)
        for vchan in 0...1 {
            let own = bursts.filter { $0.vchan == vchan }
            let rows = own.flatMap(\.rows)
            #expect(rows.count == printed.operations[vchan].count)
            let difference = zip(rows, printed.operations[vchan]).first { $0 != $1 }
            #expect(difference == nil)
            #expect(try Burst.doorbells(own) == printed.doorbells[vchan])
        }

        let published = try trace.events(named: "dmadev_engine:completed_burst").map { try Publication($0) }
        let latencies = published.flatMap(\.latencies)
        // 0 where the clocks of two processors differ by more than the operation took.
        #expect(latencies.allSatisfy { $0 <= printed.elapsed } && latencies.count { $0 > 0 } * 2 > latencies.count)
        #expect(published.allSatisfy { zip($0.executions, $0.latencies).allSatisfy { $0 <= $1 } })
        // The engine of a device with faults made on purpose is another one's: it runs what is handed on to it.
        guard driver != "fault" else { return }
        #expect(published.reduce(0) { $0 + $1.statuses.count } == printed.completed)
        #expect(published.flatMap(\.statuses).count { $0 != 0 } == printed.errors && printed.errors > 0)
        for vchan in 0...1 {
            let own = published.filter { $0.vchan == vchan }
            #expect(try Publication.areInOrder(own))
            let statuses = own.flatMap(\.statuses)
            #expect(statuses.count == printed.operations[vchan].count)
            #expect(Array(statuses.prefix(printed.statuses[vchan].count)) == printed.statuses[vchan])
            // Failures have an event of their own, with what the call has asked for.
            let failures = try trace.events(named: failure).map { try $0.fields() }
                .filter { $0["vchan"] == .integer(Int128(vchan)) }
            let failed = zip(printed.operations[vchan], statuses).filter { $0.1 != 0 }
            #expect(failures.map { Failure($0) } == failed.map { Failure(printed: $0.0, status: $0.1) })
        }
    }

    @Test("An aborted operation has a start as well as an end")
    func aborts() throws {
        let program = try builtProduct("trace-bursts")
        let events = ["dmadev_engine:operation_start", "dmadev_engine:operation_finish"]
        var output = ""
        let trace = try LTTngSession.record(events) {
            output = try $0.run(program, ["frozen", "200"]).output
        }
        let printed = try PrintedLoad(output)
        var open: [[TraceValue?]] = []
        var (finished, aborted) = (0, 0)
        for event in trace.events {
            let fields = try event.fields()
            let operation = [fields["ring"], fields["ring_idx"]]
            if event.name == events[0] {
                open.append(operation)
            } else {
                let place = try #require(open.firstIndex(of: operation), "\(event) has no start")
                open.remove(at: place)
                finished += 1
                aborted += fields["status"] == 1 ? 1 : 0
            }
        }
        #expect(open.isEmpty && finished == 200 && printed.completed == 200 && aborted >= 199)
    }

    @Test("An operation that a plan lets fail is in the application's bursts, and in the engine's with its status")
    func madeFailures() throws {
        let program = try builtProduct("trace-bursts")
        var output = ""
        let trace = try LTTngSession.record(Self.events, channel: Self.small) {
            output = try $0.run(program, ["random", "fault,every=3:page_fault", "plain", "5", "500"]).output
        }
        let printed = try PrintedLoad(output)
        let rung = try trace.events(named: "dmadev:burst").reduce(0) { $0 + (try Burst($1)).rows.count }
        let statuses = try trace.events(named: "dmadev_engine:completed_burst").flatMap { try Publication($0).statuses }
        #expect(rung == printed.submitted && rung == printed.completed)
        #expect(statuses.count == rung)
        let pageFault = 14  // RTE_DMA_STATUS_PAGE_FAULT
        #expect(statuses.contains(pageFault))
        // What stands behind a fence of a failed batch is not attempted.
        #expect(statuses.count { $0 != 0 } >= rung / 3)
    }

    @Test("A session that begins between enqueue and doorbell has all that the doorbell rings")
    func lateSession() throws {
        let program = try builtProduct("trace-bursts")
        let trace = try LTTngSession.record(["dmadev:configure"]) { session in
            let running = try session.start(program, ["late", "300"])
            try running.waitForOutput(containing: "ready")
            try session.enable(Self.events)
            running.closeInput()
            #expect(try running.wait().exit == .exited(0))
        }
        let bursts = try trace.events(named: "dmadev:burst").map { try Burst($0) }
        #expect(try Burst.doorbells(bursts) == [300])
        let lengths = try trace.events(named: "dmadev:burst").flatMap { try $0.integers("length") }
        #expect(lengths == (0..<300).map { Int128($0 % 64 + 1) })
        let published = try trace.events(named: "dmadev_engine:completed_burst").map { try Publication($0) }
        #expect(published.reduce(0) { $0 + $1.statuses.count } == 300)
    }

    @Test("What is more than one event takes is in several, whole operations each, and each fits into 16 KiB")
    func large() throws {
        let program = try builtProduct("trace-every-event")
        let trace = try LTTngSession.record(["dmadev:burst"], channel: Self.small) {
            try $0.run(program, ["burst-edges"])
        }
        #expect(trace.discardedCount == 0)
        let bursts = try trace.events.map { try Burst($0) }
        #expect(bursts.map(\.rows.count) == [256, 256, 88, 256, 1, 4, 1])
        #expect(try Burst.doorbells(bursts) == [600, 257, 5])
        let sources = try trace.events.prefix(3).flatMap { try $0.integers("src") }
        #expect(sources == Array(0..<600))
        let flags = try trace.events.map { try $0.integers("flags") }
        #expect(flags.map { $0.last } == [0, 0, 2, 0x30, 0x30, 0, 0])
        // What all operations of an event have in common is in one row.
        for (name, rows) in [
            ("kind", [1, 1, 1, 256, 1, 1, 1]), ("length", [1, 1, 1, 256, 1, 1, 1]),
            ("nb_src", [1, 1, 1, 256, 1, 4, 1]), ("flags", [1, 1, 88, 256, 1, 1, 1]),
        ] {
            #expect(try trace.events.map { try $0.integers(name).count } == rows, "\(name)")
        }
        // Handlers are there where an operation of the event names one.
        let handlers = try trace.events.map { try $0.integers("dst_handler") }
        #expect(handlers.map(\.count) == [0, 0, 0, 256, 1, 0, 0])
        #expect(handlers[3] + handlers[4] == [0, 0, 0, 0] + Array(4..<257))
        #expect(try trace.events[3].integers("src_handler") == [0, 0, 0, 0] + Array(repeating: 5, count: 252))
        #expect(try trace.events.map { try $0.integers("sg_addr").count } == [0, 0, 0, 512, 0, 512, 128])
    }

    @Test("A million operations are in the trace, none is lost, none is there twice")
    func million() throws {
        let program = try builtProduct("trace-bursts")
        // Room for all of them on one processor, as the documentation says.
        let channel = LTTngSession.Channel(subBufferSize: "8M", subBufferCount: 8)
        var output = ""
        // Each event has to begin where the last one of its kind has ended.
        let awk = """
            function number(field) { return substr($0, index($0, " " field " = ") + length(field) + 4, 8) + 0 }
            { count = number("nb_ops"); total[$3] += count; if (number("ring_idx") != next_idx[$3]) gaps++
              next_idx[$3] = (next_idx[$3] + count) % 65536 }
            END { print total["dmadev:burst:"], total["dmadev_engine:completed_burst:"], gaps + 0 }
            """
        let trace = try LTTngSession.summarize(Self.events, channel: channel, awk: awk) {
            output = try $0.run(program, ["copies", "1000000"]).output
        }
        #expect(trace.discardedCount == 0)
        #expect(trace.output == "1000000 1000000 0\n")
        let printed = try PrintedLoad(output)
        #expect([printed.submitted, printed.completed, printed.errors] == [1_000_000, 1_000_000, 0])
    }
}

/// A failed operation: ring index, kind, status, and what it was to move.
private struct Failure: Equatable {
    let values: [Int128]

    init(_ fields: [String: TraceValue]) {
        values = ["ring_idx", "kind", "status", "length", "src", "dst"].map { name in
            guard case .integer(let value)? = fields[name] else { return -1 }
            return value
        }
    }

    /// - Parameter line: `VCHAN RING_IDX KIND SRC DST LENGTH NB_SRC NB_DST FLAGS ADDRESS:LENGTH…`.
    init(printed line: String, status: Int) {
        let words = line.split(separator: " ")
        let numbers = words.prefix(9).map { Int128($0) ?? -1 }
        let entries = words.dropFirst(9).map { $0.split(separator: ":").map { Int128($0) ?? -1 } }
        let sources = entries.prefix(Int(numbers[6]))
        let isList = numbers[2] == 2
        values = [
            numbers[1], numbers[2], Int128(status), isList ? sources.reduce(0) { $0 + $1[1] } : numbers[5],
            isList ? entries[0][0] : numbers[3], isList ? entries[sources.count][0] : numbers[4],
        ]
    }
}
