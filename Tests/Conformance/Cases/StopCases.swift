import DMADev
import Testing

/// Stop, and start again.
let stopCases: [ConformanceCase] = [
    ConformanceCase("works the same after each start", worksAfterRestart),
    ConformanceCase("ends or aborts on stop what was rung, in order and whole", stopsWhatWasRung),
    ConformanceCase("forgets on stop what was not rung", forgetsPending),
    ConformanceCase("forgets on stop what was not polled", forgetsUnpolled),
    ConformanceCase("stops and starts quickly, many times", restartsOften),
]

private func worksAfterRestart(_ bench: ConformanceBench) throws {
    let (channel, count) = (try bench.channel(), bench.burst(upTo: 10))
    let slab = bench.slab(count)
    for _ in 0..<5 {
        slab.reset()
        for slot in 0..<count { #expect(try slab.enqueue(slot, on: channel) == RingIndex(slot)) }
        try channel.submit()
        #expect(try channel.statuses(count).allSatisfy { $0 == .successful })
        slab.expectWritten { _ in true }
        try bench.device.stop()
        slab.expectWritten { _ in true }
        try bench.device.start()
        #expect(try channel.burstCapacity == Int(bench.descriptorCount))
        #expect(try channel.completed(upTo: 1).lastIndex == 0xFFFF)
    }
}

private func stopsWhatWasRung(_ bench: ConformanceBench) throws {
    let (channel, count) = (try bench.channel(), bench.burst(upTo: 16))
    let kinds = Slab.Kind.offered(by: bench.properties.capabilities)
    let slab = Slab(slots: count, kinds: kinds, size: 600_000)
    for slot in 0..<count { try slab.enqueue(slot, on: channel) }
    try channel.submit()
    try bench.device.stop()
    // From here on nobody touches the memory; what was begun is whole, what was aborted untouched.
    let written = (0..<count).map(slab.isWritten)
    #expect(written.allSatisfy { $0 != nil }, "an operation was cut: \(written)")
    #expect(written.drop { $0 == true }.allSatisfy { $0 == false }, "out of order: \(written)")
    let aborted = UInt64(written.filter { $0 == false }.count)
    let expected = Statistics(submitted: UInt64(count), completed: UInt64(count), errors: aborted)
    #expect(try bench.device.statistics == expected)
    #expect(try bench.device.status(of: channel.index) == .idle)
}

private func forgetsPending(_ bench: ConformanceBench) throws {
    let (channel, count) = (try bench.channel(), bench.burst(upTo: 10))
    let slab = bench.slab(count)
    for slot in 0..<count { try slab.enqueue(slot, on: channel) }
    try bench.device.stop()
    try bench.device.start()
    try channel.submit()
    #expect(try channel.burstCapacity == Int(bench.descriptorCount))
    #expect(try channel.completed(upTo: .max).count == 0)
    #expect(try bench.device.statistics == Statistics())
    slab.expectWritten { _ in false }
}

private func forgetsUnpolled(_ bench: ConformanceBench) throws {
    let (channel, count) = (try bench.channel(), bench.burst(upTo: 10))
    let slab = bench.slab(count)
    let handlesErrors = bench.properties.capabilities.contains(.handlesErrors)
    for slot in 0..<count {
        if slot == 0, handlesErrors {
            _ = try slab.enqueueBad(slot, BadAddress.refused, as: .destination, on: channel)
        } else {
            try slab.enqueue(slot, on: channel)
        }
    }
    try channel.submit()
    try channel.waitUntilIdle()
    try bench.device.stop()
    try bench.device.start()
    // Neither completions nor the failure of before are seen again, nor does the failure reach a fence.
    #expect(try !channel.completed(upTo: .max).hasError)
    try slab.enqueue(0, on: channel, flags: [.fence, .submit])
    #expect(try channel.statuses(1) == [.successful])
    #expect(try channel.completed(upTo: 1).lastIndex == 0)
    #expect(try bench.device.statistics.completed == UInt64(count + 1))
}

private func restartsOften(_ bench: ConformanceBench) throws {
    let (channel, slab) = (try bench.channel(), bench.slab(1))
    for round in 0..<100 {
        try slab.enqueue(0, on: channel, flags: .submit)
        if round % 2 == 0 { try channel.successes(1) }
        try bench.device.stop()
        try bench.device.start()
    }
    // Every other one may have been aborted.
    let statistics = try bench.device.statistics
    #expect(statistics.submitted == 100 && statistics.completed == 100 && statistics.errors <= 50)
}
