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
