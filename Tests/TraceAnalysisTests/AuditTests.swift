import Foundation
import TestSupport
import Testing
import TraceAnalysis

/// Audits of real traces: of what is right, of what is not complete, and of faults that were planted.
@Suite struct AuditTests {
    static let bursts = [
        "dmadev:burst", "dmadev_engine:completed_burst", "dmadev_engine:ring_*", "dmadev:device_added", "dmadev:start",
        "dmadev:stop",
    ]
    static let large = LTTngSession.Channel(subBufferSize: "4M", subBufferCount: 4)

    static func audit(
        _ events: [String], channel: LTTngSession.Channel = large, _ body: (LTTngSession) throws -> Void
    ) throws -> TraceAudit {
        try LTTngSession.analyze(events, channel: channel, body) { directories in
            var audit = try TraceAudit(directories)
            audit.conclude(against: [])
            return audit
        }
    }

    @Test(
        "Call events, bursts, and both together are audited alike", arguments: TracedDevice.drivers,
        ["plain", "operations"])
    func kindsOfEvents(driver: String, mode: String) throws {
        let program = try builtProduct("trace-bursts")
        let control = ["dmadev_engine:ring_*", "dmadev:device_added", "dmadev:start", "dmadev:stop"]
        let calls = [
            "dmadev:copy*", "dmadev:fill", "dmadev:submit", "dmadev:enqueue_ops", "dmadev:dequeue_ops",
            "dmadev:completed*", "dmadev_engine:operation_*",
        ]
        for events in [control + calls, Self.bursts, ["dmadev*"]] {
            var output = ""
            let audit = try Self.audit(events) { session in
                try TracedDevice.with(driver, session) { device, _ in
                    output = try session.run(program, ["random", device, mode, "3", "1500"]).output
                }
            }
            #expect(audit.verdict == .right, "\(events): \(audit.channels.flatMap(\.findings).prefix(5))")
            let line = try #require(output.split(separator: "\n").last)
            let counters = line.split(separator: " ").compactMap { UInt64($0) }
            #expect(total(audit, \.submitted) == counters[0])
            #expect(total(audit, \.completed) == counters[1])
            #expect(total(audit, \.errors) == counters[2])
        }
    }

    @Test("A planted fault is found, and the place where events and counters part is named")
    func plantedFaults() throws {
        let expected: [(fault: String, verdict: AuditVerdict, finding: String)] = [
            ("right", .right, ""),
            ("counter", .wrong, "completed: 10 in the events, 11 in the counter"),
            ("bytes", .wrong, "bytes: 576 in the events, 575 in the counter"),
            ("call", .wrong, "enqueue events: operation 7 was to follow, and operation 8 came"),
            ("start", .wrong, "operation_start events: operation 7 was to follow, and operation 8 came"),
            ("finish", .wrong, "1 rung and not ended, the first is operation 7"),
            ("end", .wrong, "completed: 9 in the events, 10 in the counter"),
        ]
        for (fault, verdict, finding) in expected {
            let audit = try Self.audit(["dmadev*"]) { try $0.run(builtProduct("trace-planted"), [fault]) }
            #expect(audit.verdict == verdict, "\(fault)")
            #expect(audit.channels.count == 1)
            let findings = audit.channels.flatMap(\.findings)
            #expect(
                finding.isEmpty ? findings.isEmpty : findings.contains { $0.hasSuffix(finding) },
                "\(fault): \(findings)")
        }
    }

    @Test("With losses nothing follows, and it says how many events were lost, in which process")
    func losses() throws {
        let channel = LTTngSession.Channel(subBufferSize: "16k", subBufferCount: 2)
        var processID: Int32 = 0
        let audit = try Self.audit(["dmadev*"], channel: channel) { session in
            let program = try session.start(builtProduct("trace-bursts"), ["copies", "100000"])
            processID = program.processID
            program.closeInput()
            #expect(try program.wait(timeout: .seconds(60)).exit == .exited(0))
        }
        #expect(audit.verdict == .inconclusive)
        let loss = try #require(audit.losses.discarded.first)
        #expect(loss.owner == "trace-bursts (\(processID))")
        // Every operation has three events of its own. A count that had wrapped would be larger than any number of events.
        let lost = try #require(loss.events)
        #expect(lost > 0 && lost + audit.eventCount > 300_000 && lost < 1 << 32)
    }

    @Test("A recording that begins in the middle is inconclusive, and so is one of a process that was killed")
    func partial() throws {
        let program = try builtProduct("trace-bursts")
        let late = try Self.audit(["dmadev:configure"]) { session in
            let running = try session.start(program, ["late", "300"])
            try running.waitForOutput(containing: "ready")
            try session.enable(["dmadev*"])
            running.closeInput()
            #expect(try running.wait().exit == .exited(0))
        }
        #expect(late.losses.isEmpty && late.verdict == .inconclusive)

        let killed = try Self.audit(["dmadev*"]) { session in
            let running = try session.start(program, ["late", "300"])
            try running.waitForOutput(containing: "ready")
            running.kill(9)
            #expect(try running.wait().exit == .signalled(9))
        }
        #expect(killed.verdict == .inconclusive)
        #expect(killed.channels.flatMap(\.findings).contains { $0.hasPrefix("no final counts") })
    }

    @Test("Operations are followed over processes, a killed one and a restarted controller among them")
    func processes() throws {
        let program = try builtProduct("trace-processes")
        let directory = try TemporaryDirectory()
        let path = directory.file("control")
        let audit = try Self.audit(["dmadev*"], channel: LTTngSession.Channel(subBufferSize: "8M", subBufferCount: 8)) {
            session in
            func end(_ running: RunningProgram) throws {
                running.closeInput()
                #expect(try running.wait().exit == .exited(0))
            }
            let first = try session.start(program, ["host", path, "2000"])
            try first.waitForOutput(containing: "ready")
            let application = try session.start(program, ["application", path, "10000"])
            let victim = try session.start(program, ["victim", path, "5000"])
            try victim.waitForOutput(containing: "ready")
            victim.kill(9)
            #expect(try victim.wait().exit == .signalled(9))
            _ = try application.nextLine()
            try end(first)
            let second = try session.start(program, ["host", path, "2000"])
            try second.waitForOutput(containing: "ready")
            application.write("again\n")
            _ = try application.nextLine()
            try end(application)
            try end(second)
        }
        #expect(audit.verdict == .right, "\(audit.channels.flatMap(\.findings))")
        #expect(total(audit, \.completed) == 35_750)
        #expect(audit.channels.contains { $0.aborted == 500 })
        #expect(total(audit, \.ringCount) == 8)
    }

    @Test("Given counters are compared with the trace")
    func against() throws {
        func counters(_ completed: UInt64, vchan: Int = 0) -> [AuditCounters] {
            let values: [String: UInt64] = ["submitted": 1000, "completed": completed, "errors": 0, "bytes": 64000]
            return [AuditCounters(processID: nil, device: 0, deviceName: nil, vchan: vchan, values: values)]
        }
        let audit = try Self.audit(Self.bursts) { try $0.run(builtProduct("trace-bursts"), ["copies", "1000"]) }
        for (given, verdict) in [
            (counters(1000), AuditVerdict.right), (counters(999), .wrong), (counters(1000, vchan: 1), .inconclusive),
        ] {
            var audit = audit
            audit.conclude(against: given)
            #expect(audit.verdict == verdict, "\(audit.channels.flatMap(\.findings))")
        }
    }

    @Test("What is no trace is an error that names it")
    func noTrace() throws {
        let directory = try TemporaryDirectory()
        for path in [directory.path, directory.file("missing")] {
            #expect { try TraceAudit([path]) } throws: { ($0 as? TraceError)?.code == .notFound }
        }
        try "junk".write(toFile: directory.file("metadata"), atomically: true, encoding: .utf8)
        #expect { try TraceAudit([directory.path]) } throws: { error in
            guard let error = error as? TraceError else { return false }
            return error.code == .unreadable && error.description.contains(directory.path)
        }
    }
}

/// The sum over all channels.
private func total(_ audit: TraceAudit, _ value: (ChannelAudit) -> UInt64) -> UInt64 {
    var sum: UInt64 = 0
    for channel in audit.channels { sum += value(channel) }
    return sum
}
