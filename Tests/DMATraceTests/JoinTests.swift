import TestSupport
import Testing

/// Each event of an engine belongs to a call, in this or another process: which one, the trace alone says.
@Suite struct JoinTests {
    private static let events = [
        "dmadev:start", "dmadev:burst", "dmadev_engine:ring_attach", "dmadev_engine:ring_mapped",
        "dmadev_engine:ring_detach",
        "dmadev_engine:completed_burst", "dmadev_engine:operation_failed",
    ]

    /// The operations of two applications, one of which is killed, and of two controllers, one after the other, which
    /// have a device with the same number as the applications' devices.
    @Test("Every operation of an engine is joined with its call, over processes, restarts and wraps of the ring index")
    func join() throws {
        let program = try builtProduct("trace-processes")
        let directory = try TemporaryDirectory()
        let path = directory.file("control")
        var output = ""
        var processes: [String: Int32] = [:]
        let channel = LTTngSession.Channel(subBufferSize: "4M", subBufferCount: 4)
        let joined = try LTTngSession.summarize(Self.events, channel: channel, awk: Self.program) { session in
            func start(_ name: String, _ mode: String, _ count: Int) throws -> RunningProgram {
                let running = try session.start(program, [mode, path, "\(count)"])
                processes[name] = running.processID
                return running
            }
            func end(_ running: RunningProgram) throws {
                running.closeInput()
                let result = try running.wait()
                #expect(result.exit == .exited(0))
                output += result.output
            }
            let first = try start("first", "host", 10_000)
            try first.waitForOutput(containing: "ready")
            let application = try start("application", "application", 70_000)
            let victim = try start("victim", "victim", 20_000)
            try victim.waitForOutput(containing: "ready")
            victim.kill(9)
            #expect(try victim.wait().exit == .signalled(9))
            _ = try application.nextLine()
            try end(first)
            let second = try start("second", "host", 10_000)
            try second.waitForOutput(containing: "ready")
            application.write("again\n")
            _ = try application.nextLine()
            try end(application)
            try end(second)
        }
        #expect(joined.discardedCount == 0)
        let lines = joined.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        #expect(lines.filter { !["ring", "calls"].contains($0[0]) } == [], "operations that do not match")
        let rings = lines.filter { $0[0] == "ring" && $0.count == 15 }.map { Ring(Array($0.dropFirst())) }
        let calls = lines.filter { $0[0] == "calls" }.map { Int($0[1]) }
        // Every call has an operation of an engine, and the other way round.
        let total = rings.reduce(0) { $0 + $1.joined }
        #expect(calls == [total] && total == 2 * 10_000 + 2 * 87_500 + 25_000 + 500)

        for ring in rings {
            let isOwn = ring.connection == 0
            #expect(isOwn == (ring.engineProcess == ring.process), "\(ring)")
            #expect(ring.device == 0)
            #expect(ring.completed == ring.joined && ring.latencies == ring.joined, "\(ring)")
            #expect(ring.errors == ring.failedRows && ring.errors == ring.failures, "\(ring)")
            #expect(ring.aborted == ring.abortedRows, "\(ring)")
            #expect(ring.bytes == ring.joinedBytes, "\(ring)")
        }
        func count(_ engine: String, _ application: String) -> Int {
            rings.count { $0.engineProcess == processes[engine] && $0.process == processes[application] }
        }
        #expect(count("first", "first") == 1 && count("second", "second") == 1)
        #expect(count("first", "application") == 2 && count("second", "application") == 2)
        #expect(count("first", "victim") == 2 && rings.count == 8)
        let aborting = rings.filter { $0.aborted > 0 }
        #expect(aborting.map { $0.process } == [processes["victim"]] && aborting.map { $0.aborted } == [500])
        // A connection is one application's, and a restarted controller's are others.
        let connections = Dictionary(grouping: rings) { [Int($0.engineProcess), $0.connection] }
        #expect(connections.values.allSatisfy { Set($0.map { $0.process }).count == 1 })
        #expect(connections.count == 5)

        // The applications' own counters and histograms.
        for name in ["first", "second", "application"] {
            let line = try #require(
                output.split(separator: "\n").first { $0.hasPrefix("counters \(processes[name] ?? 0) ") })
            let own = rings.filter { $0.process == processes[name] }
            func sum(_ value: (Ring) -> Int) -> Int { own.reduce(0) { $0 + value($1) } }
            let numbers = line.split(separator: " ").dropFirst(2).map { Int($0) }
            #expect(
                numbers == [sum(\.joined), sum(\.completed), sum(\.errors), sum(\.bytes), sum(\.latencies)], "\(name)")
        }
    }

    /// What the program says of one ring of an engine.
    private struct Ring {
        let engineProcess, process: Int32
        let device, connection: Int
        /// The final counts in `ring_detach`.
        let completed, errors, bytes, latencies, aborted: Int
        /// Counted over the events.
        let joined, joinedBytes, failedRows, abortedRows, failures: Int

        init(_ words: [String]) {
            let numbers = words.map { Int($0) ?? -1 }
            (engineProcess, process) = (Int32(numbers[0]), Int32(numbers[1]))
            (device, connection) = (numbers[2], numbers[3])
            (completed, errors, bytes, latencies, aborted) = (
                numbers[4], numbers[5], numbers[6], numbers[7], numbers[8]
            )
            (joined, joinedBytes, failedRows, abortedRows, failures) = (
                numbers[9], numbers[10], numbers[11], numbers[12], numbers[13]
            )
        }
    }

    /// Joins as the documentation says. A call is known by process, device, vchan, number of the start, number of the
    /// operation; an operation by the engine's process, its ring, and its number. The application names the ring of another
    /// process by the same number. An operation of 7 bytes has to fail,
    /// the others must not; any may be aborted. Prints a line for each ring, and one for each contradiction.
    private static let program = """
        function number(field) { return substr($0, index($0, " " field " = ") + length(field) + 4, 20) + 0 }
        function wrong(text) { if (++contradictions <= 5) print "wrong", substr(text, 1, 200) }
        function sequence(field, values,    start, rest, count, i) {
            start = index($0, " " field " = [")
            rest = substr($0, start + length(field) + 5)
            rest = substr(rest, 1, index(rest, " ]") - 1)
            count = split(rest, values, ",")
            for (i = 1; i <= count; i++) values[i] = substr(values[i], index(values[i], "= ") + 2) + 0
            return count
        }
        { split($2, place, ":"); vpid = place[3]; gsub(/[()]/, "", vpid); event = $3 }
        event == "dmadev:start:" { if (number("ret") == 0) starts[vpid, number("dev_id")]++ }
        event == "dmadev_engine:ring_attach:" {
            ring = vpid SUBSEP number("ring")
            if (ring in application) wrong("ring twice " number("ring"))
            owner = number("pid") SUBSEP number("dev_id") SUBSEP number("vchan")
            attaches[owner]++
            application[ring] = owner SUBSEP attaches[owner]
            rings[++ringCount] = ring
            attached[ring] = number("connection") ? number("ring") : 0
            text[ring] = vpid " " number("pid") " " number("dev_id") " " number("connection")
        }
        event == "dmadev_engine:ring_mapped:" {
            owner = vpid SUBSEP number("dev_id") SUBSEP number("vchan")
            maps[owner]++
            mapped[owner SUBSEP maps[owner]] = number("ring")
        }
        event == "dmadev_engine:ring_detach:" {
            ring = vpid SUBSEP number("ring")
            final[ring] = number("completed") " " number("errors") " " number("bytes") " " number("latencies") " " number("aborted")
        }
        event == "dmadev:burst:" {
            channel = vpid SUBSEP number("dev_id") SUBSEP number("vchan") SUBSEP starts[vpid, number("dev_id")]
            if (number("ring_idx") != called[channel] % 65536) wrong("index " $0)
            count = number("nb_ops")
            rows = sequence("length", values)
            if (rows != count && rows != 1) wrong("rows " $0)
            for (i = 1; i <= count; i++) call[channel, called[channel]++] = values[rows == 1 ? 1 : i]
            calls += count
        }
        event == "dmadev_engine:completed_burst:" {
            ring = vpid SUBSEP number("ring")
            if (!(ring in application)) wrong("ring " $0)
            if (number("ring_idx") != done[ring] % 65536) wrong("index " $0)
            count = sequence("status", values)
            if (count != number("nb_ops")) wrong("rows " $0)
            for (i = 1; i <= count; i++) status[ring, done[ring]++] = values[i]
        }
        event == "dmadev_engine:operation_failed:" { failed[vpid SUBSEP number("ring")]++ }
        END {
            for (r = 1; r <= ringCount; r++) {
                ring = rings[r]
                if (attached[ring] != mapped[application[ring]] + 0) wrong("not mapped " text[ring])
                bytes = errors = aborted = 0
                for (n = 0; n < done[ring]; n++) {
                    key = application[ring] SUBSEP n
                    if (!(key in call)) { wrong("no call " n); continue }
                    s = status[ring, n]
                    if (s == 1) aborted++
                    else if ((call[key] == 7) != (s != 0)) wrong("status " s " of call " n)
                    if (s == 0) bytes += call[key]
                    else errors++
                }
                print "ring", text[ring], final[ring], done[ring] + 0, bytes, errors, aborted, failed[ring] + 0
            }
            print "calls", calls
        }
        """
}
