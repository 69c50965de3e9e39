import TestSupport
import Testing
import TraceAnalysis

/// Reports of real traces, and what they are made of.
@Suite struct ReportTests {
    static func report(
        _ events: [String], channel: LTTngSession.Channel = AuditTests.large,
        _ body: (LTTngSession) throws -> Void
    ) throws -> TraceReport {
        try LTTngSession.analyze(events, channel: channel, body) { try TraceReport($0) }
    }

    @Test(
        "Each operation is in the counts and in every histogram once",
        arguments: [["dmadev*"], AuditTests.bursts])
    func copies(events: [String]) throws {
        let report = try Self.report(events) {
            try $0.run(builtProduct("trace-bursts"), ["copies", "3200"])
        }
        try #require(report.losses.isEmpty && report.channels.count == 1)
        let channel = report.channels[0]
        #expect(channel.submitted == 3200 && channel.completed == 3200 && channel.bytes == 3200 * 64)
        #expect(channel.statuses == [0: 3200] && channel.kinds == [1: 3200])
        #expect(channel.doorbells == 100 && channel.largestBatch == 32 && channel.rings == 1)
        #expect(channel.deviceName == "dma0" && channel.driver == "software")
        #expect(
            channel.execution.count == 3200 && channel.queueing.count == 3200
                && channel.total.count == 3200)
        // Polls are call events.
        #expect(channel.notice.count == (events == ["dmadev*"] ? 3200 : 0))
        #expect(channel.slowest.count == ChannelReport.mostSlow)
        let slow: [Int64] = channel.slowest.map(\.total)
        #expect(slow == slow.sorted(by: >))
        #expect(channel.slowest.first.map { UInt64($0.total) } == channel.total.maximum)
        let most: UInt64 = channel.occupancy.steps.map(\.maximum).max() ?? 0
        #expect(most <= 1024)
        let bursts = report.eventCounts.first { $0.name == "dmadev:burst" }?.count
        #expect(bursts == 100)
    }

    @Test("Statuses, kinds and refused calls are counted")
    func random() throws {
        var output = ""
        let report = try Self.report(["dmadev*"]) {
            output = try $0.run(
                builtProduct("trace-bursts"), ["random", "software", "plain", "3", "1500"]
            ).output
        }
        let line = try #require(output.split(separator: "\n").last)
        let counters = line.split(separator: " ").compactMap { UInt64($0) }
        #expect(total(report, \.submitted) == counters[0])
        #expect(total(report, \.completed) == counters[1])
        let failed = total(report) { $0.completed - $0.statuses[0, default: 0] }
        #expect(failed == counters[2])
        #expect(Set(report.channels.flatMap(\.kinds.keys)) == [1, 2, 3])
        #expect(total(report, \.fences) > 0)
        // Copies of no bytes, which the load makes now and then.
        #expect(report.failedCalls.contains { $0.call == "copy" && $0.error == 22 && $0.vchan != nil })
        #expect(!report.engines.isEmpty && report.engines.allSatisfy { $0.asleep <= $0.observed })
    }

    @Test(
        "Operations of a controller are reported for the process that calls, from its doorbell over the engine to its poll"
    )
    func processes() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("control")
        var processIDs: [Int] = []
        let report = try Self.report(["dmadev*"], channel: .init(subBufferSize: "8M", subBufferCount: 8)) { session in
            processIDs = try runProcesses(session, path)
        }
        try #require(report.losses.isEmpty)
        for (place, vchan, count) in [(0, 0, 200), (1, 0, 1000), (1, 1, 250), (2, 1, 125)] as [(Int, Int, UInt64)] {
            let channel = try #require(
                report.channels.first { $0.processID == processIDs[place] && $0.vchan == vchan })
            #expect(channel.submitted == count && channel.completed == count)
            for times in [channel.queueing, channel.execution, channel.notice, channel.total] {
                #expect(times.count == count, "\(channel.process), \(vchan)")
            }
            #expect(channel.statuses[0] == count - count / 1000 && channel.doorbells > 0)
        }
        // The engine of the controller has aborted what the killed process had rung for, or that is in no event.
        let killed = try #require(report.channels.first { $0.processID == processIDs[2] && $0.vchan == 0 })
        #expect(killed.submitted >= 500 && killed.total.count >= 500)
        #expect(Set(report.engines.map(\.process)).allSatisfy { $0.hasPrefix("trace-processes (") })
    }

    @Test("Groups are reported with their members, windows, ends, and what was denied to whom and why")
    func groups() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("control")
        let environment = ["RUNTIME_DIRECTORY": directory.path]
        var (creatorID, memberID) = (0, 0)
        let report = try Self.report(["dmadev*"]) { session in
            let controller = try session.start(builtProduct("controller-host"), [path])
            try controller.waitForOutput(containing: "ready")
            let program = try builtProduct("group-member")
            let creator = try session.start(program, ["one", path, "dma0"], environment: environment)
            let group = try #require(try creator.nextLine().split(separator: " ").last)
            let member = try session.start(
                program, ["two", path, "dma1", String(group)], environment: environment)
            _ = try member.nextLine()
            (creatorID, memberID) = (Int(creator.processID), Int(member.processID))
            for process in [member, creator] {
                process.kill(9)
                #expect(try process.wait().exit == .signalled(9))
                // The controller has seen it.
                try eventually("its connection is gone") {
                    controller.write("\n")
                    return try controller.nextLine().hasPrefix(process === member ? "1 " : "0 ")
                }
            }
            controller.closeInput()
            #expect(try controller.wait().exit == .exited(0))
        }
        try #require(report.losses.isEmpty && report.groups.count == 1)
        let group = report.groups[0]
        #expect(group.manager.hasPrefix("controller-host (") && group.limit == 8)
        #expect(group.joins == 2 && group.deaths == 1 && group.reason == "creator_died")
        #expect(group.members.map(\.processID) == [creatorID, memberID])
        #expect(group.members.allSatisfy { $0.process.hasPrefix("group-member (") && $0.domain.count == 16 })
        #expect(group.members[1].hasDied && (group.members[1].left ?? 0) > (group.members[1].joined ?? .max))
        #expect(group.windows.count == 2 && group.windows.bytes == 4 << 20 && group.windows.openCount == 0)
        #expect(group.deniedCount == 1 && group.denials.count == 1)
        let denial = try #require(group.denials.first?.denial)
        #expect(denial.kind == .join && denial.processID == memberID && denial.reason == 13)
        #expect(report.failedCalls.contains { $0.call == "access_group_join" && $0.error == 13 && $0.count == 1 })
        for process in [creatorID, memberID] {
            let memory = try #require(report.memory.first { $0.processID == process })
            #expect(memory.regions.openCount == 1 && memory.regions.openBytes == 2 << 20)
            #expect(memory.attachments.openCount == 1 && memory.attachmentMappings.count == 1)
        }
    }

    @Test("The memory of a process is what its calls say")
    func memory() throws {
        var output = ""
        let report = try Self.report(["dmadev*"]) { output = try $0.run(builtProduct("trace-every-call")).output }
        let calls = output.split(separator: "\n")
        func count(_ names: String..., isFailure: Bool = false) -> UInt64 {
            UInt64(
                calls.filter { call in
                    names.contains { call.hasPrefix("dmadev:\($0) ") } && call.contains(" ret=-") == isFailure
                }.count)
        }
        try #require(report.memory.count == 1)
        let memory = report.memory[0]
        #expect(memory.buffers.count == count("buffer_alloc") && memory.buffers.bytes > 0)
        #expect(memory.mappings.count == count("dma_map", "extmem_map") && memory.mappings.count > 0)
        #expect(memory.mappings.endedCount >= count("dma_unmap", "extmem_unmap") && memory.mappings.openCount == 0)
        #expect(memory.regions.count == count("extmem_register", "extmem_register_dmabuf", "extmem_attach"))
        #expect(memory.regions.endedCount == count("extmem_unregister", "extmem_detach"))
        #expect(memory.receivedRegions == count("extmem_receive"))
        #expect(memory.attachments.count == count("interconnect_attach") && memory.attachments.count > 0)
        #expect(memory.attachments.endedCount == count("interconnect_detach"))
        let fallbacks: UInt64 = memory.fallbacks.reduce(0) { $0 + $1.count }
        #expect(fallbacks == count("interconnect_fallback", isFailure: true) && fallbacks > 0)
        #expect(memory.fallbacks.allSatisfy { !$0.fallback.reason.isEmpty && $0.fallback.error > 0 })
        let reasons = report.failedCalls.filter { $0.call == "interconnect_fallback" }.compactMap(\.reason)
        #expect(Set(reasons) == Set(memory.fallbacks.map(\.fallback.reason)))
    }

    @Test("A quantile is at most a bucket's width above the exact one, for values of any size")
    func quantiles() {
        var random = SeededGenerator(for: "quantiles")
        var histogram = LatencyHistogram()
        var values: [UInt64] = []
        for _ in 0..<10_000 {
            let value = UInt64.random(
                in: 0...UInt64.max >> UInt64.random(in: 0...63, using: &random), using: &random)
            values.append(value)
            histogram.add(value)
        }
        values.sort()
        for part: Double in [0.001, 0.01, 0.5, 0.9, 0.99, 0.999, 1] {
            let rank = Int((part * 10_000).rounded(.up))
            let exact = values[rank - 1]
            let found = histogram.quantile(part) ?? 0
            #expect(
                found >= exact && Double(found) <= Double(exact) * 1.032 + 1, "\(part): \(found), \(exact)")
        }
        let counted: UInt64 = histogram.buckets.map(\.count).reduce(0, +)
        #expect(counted == 10_000)
        #expect(histogram.maximum == values.last && LatencyHistogram().quantile(0.5) == nil)
    }

    @Test("A timeline keeps the sum and the maximum, however long it gets")
    func timeline() {
        var timeline = Timeline()
        for number in 0..<10_000 { timeline.add(UInt64(number), at: 5_000 + Int64(number) * 7_000_000) }
        timeline.add(1, at: 0)
        #expect(
            timeline.steps.count <= Timeline.mostSteps && timeline.steps.count > Timeline.mostSteps / 2)
        let count: UInt64 = timeline.steps.map(\.count).reduce(0, +)
        let sum: UInt64 = timeline.steps.map(\.sum).reduce(0, +)
        #expect(count == 10_001 && sum == 49_995_001)
        #expect(timeline.steps.map(\.maximum).max() == 9999)
        #expect(timeline.start == 5_000 && timeline.length > 1_000_000)
    }
}

/// The sum over all channels.
private func total(_ report: TraceReport, _ value: (ChannelReport) -> UInt64) -> UInt64 {
    var sum: UInt64 = 0
    for channel in report.channels { sum += value(channel) }
    return sum
}
