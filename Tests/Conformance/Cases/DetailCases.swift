import CDMADev
import DMADev
import Glibc
import Synchronization
import SystemPackage
import Testing

/// Counters beyond the statistics, for devices that keep them, and the list of failed calls.
let detailCases: [ConformanceCase] = [
    ConformanceCase("counts bytes and operations of each kind", countsKindsAndBytes),
    ConformanceCase("counts operations by status", needs: .handlesErrors, countsStatuses),
    ConformanceCase("counts full rings, doorbells and the most slots in use", countsRing),
    ConformanceCase("measures the time of each operation", measuresLatency),
    ConformanceCase("counts on whatever happens to the device", needs: .handlesErrors, countsOn),
    ConformanceCase("notes the calls that fail", needs: .copy, notesFailedCalls),
    ConformanceCase(
        "ends operations with each status that it can", needs: [.handlesErrors, .copy], endsWithEachStatus),
    ConformanceCase("takes the hint for the last-level cache with every operation", takesCacheHint),
]

/// Records unless a reading fits together: for moments at which nothing is under way.
private func expectConsistent(
    _ details: ChannelCounters, sourceLocation: SourceLocation = #_sourceLocation
) {
    let statistics = details.statistics
    #expect(statistics.submitted == statistics.completed, sourceLocation: sourceLocation)
    #expect(details.statuses.values.reduce(0, +) == statistics.completed, sourceLocation: sourceLocation)
    let good = details.statuses[.successful, default: 0]
    #expect(statistics.completed - statistics.errors == good, sourceLocation: sourceLocation)
    let kinds = details.engine.kinds.1 + details.engine.kinds.2 + details.engine.kinds.3 + details.engine.kinds.0
    #expect(kinds == statistics.completed, sourceLocation: sourceLocation)
    #expect(details.latency.count == statistics.completed, sourceLocation: sourceLocation)
    #expect(details.application.doorbells <= statistics.submitted, sourceLocation: sourceLocation)
}

private func countsKindsAndBytes(_ bench: ConformanceBench) throws {
    let channel = try bench.channel()
    guard var expected = bench.device.view.counters(of: channel.index) else { return }
    for (round, kind) in Slab.Kind.offered(by: bench.properties.capabilities).enumerated() {
        let (count, size) = (bench.burst(upTo: 3 + round), 100 + 50 * round)
        let slab = Slab(slots: count, kinds: [kind], size: size)
        for slot in 0..<count { try slab.enqueue(slot, on: channel, flags: .submit) }
        try channel.successes(count)
        expected.engine.bytes += UInt64(count * size)
        switch kind {
        case .copy: expected.engine.kinds.1 += UInt64(count)
        case .scatterGather: expected.engine.kinds.2 += UInt64(count)
        case .fill: expected.engine.kinds.3 += UInt64(count)
        }
        let found = try #require(bench.device.view.counters(of: channel.index))
        #expect(found.engine.bytes == expected.engine.bytes)
        #expect(
            (found.engine.kinds.1, found.engine.kinds.2, found.engine.kinds.3)
                == (expected.engine.kinds.1, expected.engine.kinds.2, expected.engine.kinds.3))
        #expect(found.engine.kinds.0 == 0)
        expectConsistent(found)
    }
}

private func countsStatuses(_ bench: ConformanceBench) throws {
    let (channel, count) = (try bench.channel(), bench.burst(upTo: 8))
    guard bench.device.view.counters(of: channel.index) != nil else { return }
    let slab = bench.slab(count)
    var expected: [CompletionStatus: UInt64] = [:]
    for _ in 0..<3 {
        for slot in 0..<count {
            switch slot {
            case 1, 4:
                let side = slot == 1 ? Slab.Side.source : .destination
                expected[try slab.enqueueBad(slot, BadAddress.refused, as: side, on: channel), default: 0] += 1
            case 6...:
                try slab.enqueue(slot, on: channel, flags: .fence)
                expected[.notAttempted, default: 0] += 1
            default:
                try slab.enqueue(slot, on: channel)
                expected[.successful, default: 0] += 1
            }
        }
        try channel.submit()
        try channel.waitUntilIdle()
        let found = try #require(bench.device.view.counters(of: channel.index))
        #expect(found.statuses == expected)
        #expect(found.engine.bytes == expected[.successful, default: 0] * 19)
        expectConsistent(found)
        _ = try channel.statuses(count)
    }
}

private func countsRing(_ bench: ConformanceBench) throws {
    let (channel, count) = (try bench.channel(), Int(bench.descriptorCount))
    guard bench.device.view.counters(of: channel.index) != nil else { return }
    func details() throws -> ChannelCounters { try #require(bench.device.view.counters(of: channel.index)) }
    let slab = bench.slab(count)
    // Half a ring behind one doorbell; doorbells without work are none.
    let half = max(1, count / 2)
    for slot in 0..<half { try slab.enqueue(slot, on: channel) }
    #expect(try details().application.doorbells == 0)
    #expect(try details().application.high_water == 0)
    for _ in 0..<3 { try channel.submit() }
    #expect(try details().application.doorbells == 1)
    #expect(try details().application.high_water == UInt64(half))
    try channel.successes(half)
    // One after the other needs one slot at a time: the mark stays.
    for slot in 0..<half {
        try slab.enqueue(slot, on: channel, flags: .submit)
        try channel.successes(1)
    }
    #expect(try details().application.doorbells == 1 + UInt64(half))
    #expect(try details().application.high_water == UInt64(half))
    #expect(try details().application.rejected == 0)
    for slot in 0..<count { try slab.enqueue(slot, on: channel) }
    for refused in 1...3 as ClosedRange<UInt64> {
        expectRefusal(.ringFull, .noSpace) { try slab.enqueue(0, on: channel, flags: .submit) }
        #expect(try details().application.rejected == refused)
    }
    try channel.submit()
    try channel.successes(count)
    #expect(try details().application.high_water == UInt64(count))
    #expect(try details().application.doorbells == 2 + UInt64(half))
    expectConsistent(try details())
}

private func measuresLatency(_ bench: ConformanceBench) throws {
    let (channel, count) = (try bench.channel(), bench.burst(upTo: 16))
    guard let before = bench.device.view.counters(of: channel.index) else { return }
    #expect(before.latency.count == 0)
    #expect(before.latency.percentile(0.5) == nil)
    let bounds = before.latency.buckets.map(\.upperBound)
    #expect(zip(bounds, bounds.dropFirst()).allSatisfy { $0 ?? .max < $1 ?? .max })
    #expect(bounds.last == .some(nil))
    let (clock, slab) = (ContinuousClock(), bench.slab(count))
    var most: UInt64 = 0
    for _ in 0..<20 {
        let time = try clock.measure {
            for slot in 0..<count { try slab.enqueue(slot, on: channel) }
            try channel.submit()
            try channel.successes(count)
        }
        most += UInt64(count) * UInt64(time / .nanoseconds(1))
    }
    let latency = try #require(bench.device.view.counters(of: channel.index)).latency
    #expect(latency.count == 20 * UInt64(count))
    #expect(latency.buckets.map(\.upperBound) == bounds)
    // No operation took longer than its burst, give or take what two clocks may differ by.
    #expect(latency.sum > 0)
    #expect(latency.sum < most + most / 4)
    // The sum lies between what the buckets say at least and at most.
    var (least, lower): (UInt64, UInt64) = (0, 0)
    var upTo: UInt64? = 0
    for bucket in latency.buckets {
        least += lower * bucket.count
        if bucket.count > 0 { upTo = upTo.flatMap { sum in bucket.upperBound.map { sum + $0 * bucket.count } } }
        lower = bucket.upperBound ?? 0
    }
    #expect(latency.sum >= least)
    #expect(latency.sum < upTo ?? .max)
    let percentiles = [0, 0.5, 0.9, 0.99, 0.999, 1].map { latency.percentile($0) ?? .max }
    #expect(percentiles == percentiles.sorted())
    #expect(percentiles[0] > 0)
}

extension ChannelCounters {
    /// Every number that may only grow.
    fileprivate var growing: [UInt64] {
        ["submitted", "completed", "errors", "bytes", "rejected_enqueues", "doorbells", "occupancy_high_water"].map {
            self[$0] ?? 0
        } + [
            engine.kinds.0, engine.kinds.1, engine.kinds.2, engine.kinds.3, latency.sum,
        ] + latency.buckets.map(\.count)
            + CompletionStatus.table.filter { $0.status != .successful }.map { statuses[$0.status, default: 0] }
    }
}

private func countsOn(_ bench: ConformanceBench) throws {
    let (device, vchan, count) = (bench.device, bench.channelCount - 1, bench.burst(upTo: 8))
    guard device.view.counters(of: vchan) != nil else { return }
    let kinds = Slab.Kind.offered(by: bench.properties.capabilities)
    let (channelCount, descriptorCount) = (bench.channelCount, bench.descriptorCount)
    let last = Mutex<[UInt64]>([])
    try alternate(60) {
        let (channel, slab) = (try device.virtualChannel(vchan), Slab(slots: count, kinds: kinds))
        var round = 0
        return {
            round += 1
            for slot in 0..<count {
                if slot == 1 {
                    _ = try slab.enqueueBad(slot, BadAddress.refused, as: .source, on: channel, flags: .submit)
                } else {
                    try slab.enqueue(slot, on: channel, flags: .submit)
                }
            }
            if round % 3 > 0 { _ = try channel.statuses(count) }
            if round % 5 == 0 { try device.resetStatistics() }
            if round % 4 == 0 || round % 3 == 0 {
                try device.stop()
                if round % 4 == 0 {
                    try device.configure(DeviceConfiguration(virtualChannelCount: channelCount))
                    for vchan in 0..<channelCount {
                        try device.setUpVirtualChannel(
                            vchan, configuration: VirtualChannelConfiguration(descriptorCount: descriptorCount))
                    }
                }
                try device.start()
            }
        }
    } while: {
        guard let now = device.view.counters(of: vchan) else { throw ReadingError.nothing }
        last.withLock { before in
            if zip(before, now.growing).contains(where: { $0 > $1 }) { Issue.record("\(now.growing) after \(before)") }
            if now.statistics.completed > now.statistics.submitted { Issue.record("\(now.statistics)") }
            before = now.growing
        }
    }
    let details = try #require(device.view.counters(of: vchan))
    #expect(details.statistics.submitted == 60 * UInt64(count))
    expectConsistent(details)
}

private enum ReadingError: Error {
    /// A channel that was set up has counters.
    case nothing
}

private func notesFailedCalls(_ bench: ConformanceBench) throws {
    let (device, registry, channel) = (bench.device, bench.options.registry, try bench.channel())
    let memory = GuardedMemory(16)
    var count = registry.failedCallCount
    /// Records unless a call fails and is counted, once, as the last one.
    func expectNoted(
        _ call: String, _ errno: Errno, vchan: UInt16? = nil, sourceLocation: SourceLocation = #_sourceLocation,
        _ body: () throws -> Void
    ) {
        let error = #expect(throws: (any Error).self, sourceLocation: sourceLocation, performing: body)
        count += 1
        #expect(registry.failedCallCount == count, "\(call)", sourceLocation: sourceLocation)
        let noted = registry.failedCalls(last: 1).first
        #expect(noted?.call == call, sourceLocation: sourceLocation)
        #expect(noted?.device == device.id, sourceLocation: sourceLocation)
        #expect(noted?.vchan == vchan, sourceLocation: sourceLocation)
        #expect(noted?.errno == errno.rawValue, sourceLocation: sourceLocation)
        let reason = (error as? DMAError)?.message ?? (error as? OperationError)?.reason.message
        #expect(noted?.reason == reason, sourceLocation: sourceLocation)
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let age = Int64(now.tv_sec) - Int64((noted?.last ?? 0) / 1_000_000_000)
        #expect((0...60).contains(age), "noted \(age) seconds ago", sourceLocation: sourceLocation)
    }
    expectNoted("configure", .resourceBusy) { try device.configure(DeviceConfiguration(virtualChannelCount: 1)) }
    expectNoted("vchan_setup", .resourceBusy) {
        try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 64))
    }
    expectNoted("close", .resourceBusy) { try device.close() }
    expectNoted("stats_get", .invalidArgument) { _ = try device.statistics(of: .max) }
    expectNoted("vchan_status", .invalidArgument) { _ = try device.status(of: .max) }
    expectNoted("stats_reset", .invalidArgument) { try device.resetStatistics(of: .max) }
    expectNoted("copy", .invalidArgument, vchan: channel.index) {
        try channel.copy(from: memory.address, to: memory.address, length: 0)
    }
    // A full ring is no failure: who meets it polls and tries again.
    for _ in 0..<Int(bench.descriptorCount) {
        try channel.copy(from: memory.address, to: memory.address + 8, length: 8)
    }
    expectRefusal(.ringFull, .noSpace) {
        try channel.copy(from: memory.address, to: memory.address + 8, length: 8)
    }
    #expect(registry.failedCallCount == count)
    try device.stop()
    expectNoted("submit", .invalidArgument, vchan: channel.index) { try channel.submit() }
    expectNoted("completed", .invalidArgument, vchan: channel.index) { _ = try channel.completed(upTo: 1) }
    expectNoted("burst_capacity", .invalidArgument, vchan: channel.index) { _ = try channel.burstCapacity }
    expectNoted("configure", .invalidArgument) {
        try device.configure(DeviceConfiguration(virtualChannelCount: 0))
    }
    // A call that fails again and again is one entry, and the others stay.
    for _ in 0..<300 { expectRefusal(.notStarted, .invalidArgument) { try channel.submit() } }
    let all = registry.failedCalls()
    let submit = try #require(all.first)
    #expect(submit.call == "submit" && submit.count == 301 && submit.first < submit.last)
    #expect(registry.failedCallCount == count + 300)
    #expect(Set(all.map(\.call)).isSuperset(of: ["configure", "copy", "vchan_status", "burst_capacity"]))
    #expect(all.map(\.last) == all.map(\.last).sorted(by: >))
    #expect(registry.failedCalls(last: 3) == Array(all[..<3]))
    #expect(registry.failedCalls(last: 0).isEmpty)
    #expect(registry.failedCalls(last: -1).isEmpty)
}

private func endsWithEachStatus(_ bench: ConformanceBench) throws {
    guard bench.descriptorCount >= 4 else { return }
    let (device, channel) = (bench.device, try bench.channel())
    let memory = GuardedMemory(4 << 20)
    func copy(from: UInt64, to: UInt64, flags: OperationFlags = []) throws {
        try channel.copy(from: from, to: to, length: 2 << 20, flags: flags)
    }
    let (good, other) = (memory.address, memory.address + (2 << 20))
    try copy(from: good, to: other)
    try copy(from: BadAddress.refused, to: other)
    try copy(from: good, to: BadAddress.refused)
    try copy(from: good, to: other, flags: [.fence, .submit])
    #expect(
        try channel.statuses(4)
            == [.successful, .invalidSourceAddress, .invalidDestinationAddress, .notAttempted])
    guard device.view.counters(of: channel.index) != nil else { return }
    // The last one is for stop alone: what it aborts can be counted, not polled.
    for _ in 0..<100 where device.view.counters(of: channel.index)?.statuses[.userAbort] == nil {
        for _ in 0..<4 { try copy(from: good, to: other) }
        try channel.submit()
        try device.stop()
        try device.start()
    }
    let details = try #require(device.view.counters(of: channel.index))
    #expect(
        Set(details.statuses.keys)
            == [.successful, .invalidSourceAddress, .invalidDestinationAddress, .notAttempted, .userAbort])
    expectConsistent(details)
}

private func takesCacheHint(_ bench: ConformanceBench) throws {
    let (channel, count) = (try bench.channel(), bench.burst(upTo: 9))
    let slab = bench.slab(count)
    for slot in 0..<count {
        let more: [OperationFlags] = [[], .fence, .submit, [.fence, .submit]]
        try slab.enqueue(slot, on: channel, flags: more[slot % 4].union(.lastLevelCache))
    }
    try channel.submit()
    try channel.successes(count)
    slab.expectWritten { _ in true }
}
