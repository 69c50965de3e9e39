import DMADev
import Dispatch
import SystemPackage
import Testing

/// Rings: indexes, room, doorbells.
let ringCases: [ConformanceCase] = [
    ConformanceCase("counts ring indexes from 0 and over 65,535", on: .rings([.odd, .powerOfTwo]), wrapsIndexes),
    ConformanceCase("holds exactly as many operations as asked for", holdsAsMany),
    ConformanceCase("has one slot less after an enqueue, one more after a poll", countsSlots),
    ConformanceCase("rings the doorbell with the flag as with the call", ringsWithFlag),
    ConformanceCase("ignores a doorbell without work", ignoresEmptyDoorbell),
    ConformanceCase("does not touch what was not rung", leavesPending),
    ConformanceCase("works without being polled", worksUnpolled),
    ConformanceCase("is idle only when all is visible", isIdleWhenVisible),
    ConformanceCase("keeps its channels apart", keepsChannelsApart),
    ConformanceCase("serves each channel from a thread of its own", servesThreads),
]

private func wrapsIndexes(_ bench: ConformanceBench) throws {
    let channel = try bench.channel()
    let slab = bench.slab(Int(bench.descriptorCount))
    var next = 0
    while next < 66_000 {
        for slot in 0..<slab.slots {
            let index = try slab.enqueue(slot, on: channel)
            if index != RingIndex(truncatingIfNeeded: next + slot) {
                Issue.record("\(index) after \(next + slot) others")
            }
        }
        try channel.submit()
        #expect(try channel.statuses(slab.slots).allSatisfy { $0 == .successful })
        next += slab.slots
        #expect(try channel.completed(upTo: 1).lastIndex == RingIndex(truncatingIfNeeded: next - 1))
    }
    slab.expectWritten { _ in true }
    try bench.device.stop()
    try bench.device.start()
    #expect(try slab.enqueue(0, on: channel) == 0)
}

private func holdsAsMany(_ bench: ConformanceBench) throws {
    let (channel, count) = (try bench.channel(), Int(bench.descriptorCount))
    let slab = bench.slab(count + 4)
    for slot in 0..<count { try slab.enqueue(slot, on: channel) }
    // Full, whether pending, rung or done, and for every kind of operation.
    for slot in count..<count + 3 { expectFull(slab, slot, on: channel) }
    try channel.submit()
    expectFull(slab, count, on: channel)
    try channel.waitUntilIdle()
    expectFull(slab, count, on: channel)
    #expect(try channel.statuses(1) == [.successful])
    try slab.enqueue(count, on: channel, flags: .submit)
    expectFull(slab, count + 1, on: channel)
    #expect(try channel.statuses(count).allSatisfy { $0 == .successful })
    slab.expectWritten { $0 <= count }
    #expect(try channel.burstCapacity == count)
}

private func expectFull(
    _ slab: Slab, _ slot: Int, on channel: VirtualChannel, sourceLocation: SourceLocation = #_sourceLocation
) {
    expectRefusal(.ringFull, .noSpace, sourceLocation: sourceLocation) {
        try slab.enqueue(slot, on: channel, flags: .submit)
    }
    #expect(throws: Never.self, sourceLocation: sourceLocation) { () throws in
        #expect(try channel.burstCapacity == 0, sourceLocation: sourceLocation)
    }
}

private func countsSlots(_ bench: ConformanceBench) throws {
    let (channel, count) = (try bench.channel(), bench.burst(upTo: 50))
    let (slab, capacity) = (bench.slab(count), Int(bench.descriptorCount))
    for _ in 0..<3 {
        for slot in 0..<count {
            #expect(try channel.burstCapacity == capacity - slot)
            try slab.enqueue(slot, on: channel)
        }
        try channel.submit()
        try channel.waitUntilIdle()
        #expect(try channel.burstCapacity == capacity - count)
        for left in (0..<count).reversed() {
            if left % 2 == 0 { try channel.successes(1) } else { _ = try channel.statuses(1) }
            #expect(try channel.burstCapacity == capacity - left)
        }
    }
}

private func ringsWithFlag(_ bench: ConformanceBench) throws {
    let (channel, count) = (try bench.channel(), bench.burst(upTo: 9))
    let slab = bench.slab(count)
    // The flag rings for those before it too.
    for slot in 0..<count { try slab.enqueue(slot, on: channel, flags: slot == count - 1 ? .submit : []) }
    #expect(try channel.statuses(count).allSatisfy { $0 == .successful })
    slab.expectWritten { _ in true }
    for slot in 0..<count {
        try slab.enqueue(slot, on: channel, flags: .submit)
        try channel.successes(1)
    }
}

private func ignoresEmptyDoorbell(_ bench: ConformanceBench) throws {
    let (channel, slab) = (try bench.channel(), bench.slab(1))
    for _ in 0..<3 { try channel.submit() }
    #expect(try bench.device.statistics == Statistics())
    #expect(try bench.device.status(of: channel.index) == .idle)
    try slab.enqueue(0, on: channel, flags: .submit)
    try channel.submit()
    try channel.successes(1)
    try channel.submit()
    #expect(try channel.completed(upTo: 10).count == 0)
    #expect(try bench.device.statistics == Statistics(submitted: 1, completed: 1))
}

private func leavesPending(_ bench: ConformanceBench) throws {
    let (channel, count) = (try bench.channel(), bench.burst(upTo: 8))
    let (slab, other) = (bench.slab(count), bench.slab(1))
    for slot in 0..<count { try slab.enqueue(slot, on: channel) }
    // Where there is another channel, its round trip gives the engine time to do wrong.
    for another in try bench.channels().dropLast() {
        try other.enqueue(0, on: another, flags: .submit)
        try another.successes(1)
    }
    #expect(try bench.device.status(of: channel.index) == .idle)
    #expect(try channel.completed(upTo: .max).count == 0)
    #expect(try channel.pollStatuses(count).isEmpty)
    #expect(try bench.device.statistics(of: channel.index) == Statistics())
    slab.expectWritten { _ in false }
    try channel.submit()
    try channel.successes(count)
    slab.expectWritten { _ in true }
}

private func worksUnpolled(_ bench: ConformanceBench) throws {
    let (channel, count) = (try bench.channel(), Int(bench.descriptorCount))
    let slab = bench.slab(count)
    for slot in 0..<count { try slab.enqueue(slot, on: channel, flags: .submit) }
    try channel.waitUntilIdle()
    slab.expectWritten { _ in true }
    #expect(try bench.device.statistics(of: channel.index).completed == UInt64(count))
    #expect(try channel.statuses(count).allSatisfy { $0 == .successful })
}

private func isIdleWhenVisible(_ bench: ConformanceBench) throws {
    let (channel, count) = (try bench.channel(), bench.burst(upTo: 40))
    let slab = bench.slab(count)
    for _ in 0..<100 {
        for slot in 0..<count { try slab.enqueue(slot, on: channel) }
        try channel.submit()
        try channel.waitUntilIdle()
        #expect(try channel.completed(upTo: .max).count == count)
    }
}

private func keepsChannelsApart(_ bench: ConformanceBench) throws {
    let (channels, count) = (try bench.channels(), bench.burst(upTo: 20))
    let slabs = channels.map { _ in bench.slab(count) }
    // Each has its own room, indexes and doorbell; the last is never rung.
    for slot in 0..<count {
        for (channel, slab) in zip(channels, slabs) {
            #expect(try slab.enqueue(slot, on: channel) == RingIndex(slot))
            #expect(try channel.burstCapacity == Int(bench.descriptorCount) - slot - 1)
        }
    }
    for (channel, slab) in zip(channels, slabs).dropLast() {
        try channel.submit()
        #expect(try channel.statuses(count).allSatisfy { $0 == .successful })
        slab.expectWritten { _ in true }
        #expect(try channel.completed(upTo: 1).lastIndex == RingIndex(count - 1))
    }
    slabs.last?.expectWritten { _ in false }
    #expect(try channels.last?.completed(upTo: 1).lastIndex == 0xFFFF)
    #expect(try bench.device.statistics.submitted == UInt64((channels.count - 1) * count))
}

private func servesThreads(_ bench: ConformanceBench) throws {
    let (device, count) = (bench.device, bench.burst(upTo: 16))
    let kinds = Slab.Kind.offered(by: bench.properties.capabilities)
    let memory = CaseMemory.current
    DispatchQueue.concurrentPerform(iterations: Int(bench.channelCount)) { index in
        #expect(throws: Never.self) { () throws in
            let channel = try device.virtualChannel(UInt16(index))
            let slab = CaseMemory.$current.withValue(memory) { Slab(slots: count, kinds: kinds) }
            for _ in 0..<200 {
                for slot in 0..<count { try slab.enqueue(slot, on: channel) }
                try channel.submit()
                #expect(try channel.statuses(count).allSatisfy { $0 == .successful })
            }
            slab.expectWritten { _ in true }
        }
    }
    #expect(try device.statistics.completed == UInt64(bench.channelCount) * 200 * UInt64(count))
}
