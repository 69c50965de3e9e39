import DMADev
import LinuxSystem
import Testing

/// Statistics.
let counterCases: [ConformanceCase] = [
    ConformanceCase("counts operations as submitted at the doorbell", countsAtDoorbell),
    ConformanceCase("counts no refused enqueue", countsNoRefused),
    ConformanceCase("counts failures as completed and as errors", needs: .handlesErrors, countsFailures),
    ConformanceCase("adds up its channels", addsUpChannels),
    ConformanceCase("counts from a reset on", countsFromReset),
    ConformanceCase("counts on over stops and starts", countsOverRestarts),
    ConformanceCase("has counted whatever was seen finished", hasCountedWhatWasSeen),
    ConformanceCase("never counts backwards for a reader", neverCountsBackwards),
]

private func countsAtDoorbell(_ bench: ConformanceBench) throws {
    let (channel, count) = (try bench.channel(), bench.burst(upTo: 5))
    let slab = bench.slab(count)
    for slot in 0..<count {
        try slab.enqueue(slot, on: channel)
        #expect(try bench.device.statistics(of: channel.index) == Statistics())
    }
    try channel.submit()
    #expect(try bench.device.statistics(of: channel.index).submitted == UInt64(count))
    try channel.waitUntilIdle()
    let done = Statistics(submitted: UInt64(count), completed: UInt64(count))
    #expect(try bench.device.statistics(of: channel.index) == done)
    try channel.successes(count)
    #expect(try bench.device.statistics(of: channel.index) == done)
}

private func countsNoRefused(_ bench: ConformanceBench) throws {
    let (channel, count) = (try bench.channel(), Int(bench.descriptorCount))
    let slab = bench.slab(count)
    for slot in 0..<count { try slab.enqueue(slot, on: channel) }
    for _ in 0..<3 { #expect(throws: OperationError.self) { try slab.enqueue(0, on: channel, flags: .submit) } }
    try channel.submit()
    try channel.waitUntilIdle()
    #expect(
        try bench.device.statistics(of: channel.index)
            == Statistics(submitted: UInt64(count), completed: UInt64(count)))
}

private func countsFailures(_ bench: ConformanceBench) throws {
    let (channel, count) = (try bench.channel(), bench.burst(upTo: 6))
    let slab = bench.slab(count)
    for slot in 0..<count {
        if slot == 1 || slot == 2 {
            _ = try slab.enqueueBad(slot, BadAddress.refused, as: .source, on: channel)
        } else {
            // The last one is not attempted, which is an error too.
            try slab.enqueue(slot, on: channel, flags: slot == 5 ? .fence : [])
        }
    }
    try channel.submit()
    try channel.waitUntilIdle()
    let failures = UInt64(max(0, min(count, 3) - 1) + (count == 6 ? 1 : 0))
    let expected = Statistics(submitted: UInt64(count), completed: UInt64(count), errors: failures)
    #expect(try bench.device.statistics(of: channel.index) == expected)
    #expect(try bench.device.statistics == expected)
    _ = try channel.statuses(count)
    #expect(try bench.device.statistics == expected)
}

private func addsUpChannels(_ bench: ConformanceBench) throws {
    var sum: UInt64 = 0
    for channel in try bench.channels() {
        let count = bench.burst(upTo: 3 + Int(channel.index))
        let slab = bench.slab(count)
        for slot in 0..<count { try slab.enqueue(slot, on: channel, flags: .submit) }
        try channel.successes(count)
        sum += UInt64(count)
        #expect(
            try bench.device.statistics(of: channel.index)
                == Statistics(submitted: UInt64(count), completed: UInt64(count)))
        #expect(try bench.device.statistics == Statistics(submitted: sum, completed: sum))
    }
}

private func countsFromReset(_ bench: ConformanceBench) throws {
    let (channels, slab) = (try bench.channels(), bench.slab(1))
    let device = bench.device
    func work() throws {
        for channel in channels {
            try slab.enqueue(0, on: channel, flags: .submit)
            try channel.successes(1)
        }
    }
    let (one, count) = (Statistics(submitted: 1, completed: 1), UInt64(channels.count))
    try work()
    try device.resetStatistics(of: channels[0].index)
    #expect(try device.statistics(of: 0) == Statistics())
    #expect(try device.statistics == Statistics(submitted: count - 1, completed: count - 1))
    try work()
    #expect(try device.statistics(of: 0) == one)
    try device.resetStatistics()
    #expect(try device.statistics == Statistics())
    try work()
    for channel in channels { #expect(try device.statistics(of: channel.index) == one) }
    // What is under way at the reset is counted once it ends, and not before.
    try slab.enqueue(0, on: channels[0])
    try device.resetStatistics()
    try channels[0].submit()
    try channels[0].successes(1)
    #expect(try device.statistics == one)
    try device.stop()
    try device.resetStatistics()
    #expect(try device.statistics == Statistics())
}

private func countsOverRestarts(_ bench: ConformanceBench) throws {
    let (channel, slab) = (try bench.channel(), bench.slab(1))
    for round in 1...5 as ClosedRange<UInt64> {
        try slab.enqueue(0, on: channel, flags: .submit)
        try channel.successes(1)
        try bench.device.stop()
        #expect(try bench.device.statistics == Statistics(submitted: round, completed: round))
        try bench.setUpAndStart()
        #expect(try bench.device.statistics == Statistics(submitted: round, completed: round))
    }
}

private func hasCountedWhatWasSeen(_ bench: ConformanceBench) throws {
    let (channel, count) = (try bench.channel(), bench.burst(upTo: 16))
    let slab = bench.slab(count)
    var seen: UInt64 = 0
    for _ in 0..<200 {
        for slot in 0..<count { try slab.enqueue(slot, on: channel) }
        try channel.submit()
        var left = count
        while left > 0 {
            let found = try channel.completed(upTo: .max).count
            left -= found
            seen += UInt64(found)
            if found > 0 {
                let completed = try bench.device.statistics(of: channel.index).completed
                if completed < seen { Issue.record("\(completed) counted, \(seen) seen") }
            }
        }
    }
}

private func neverCountsBackwards(_ bench: ConformanceBench) throws {
    let (device, vchan) = (bench.device, bench.channelCount - 1)
    let count = bench.burst(upTo: 16)
    let kinds = Slab.Kind.offered(by: bench.properties.capabilities)
    let last = Locked(Statistics())
    try alternate(200) {
        let (channel, slab) = (try device.virtualChannel(vchan), Slab(slots: count, kinds: kinds))
        return {
            for slot in 0..<count { try slab.enqueue(slot, on: channel, flags: .submit) }
            try channel.successes(count)
        }
    } while: {
        let now = try device.statistics(of: vchan)
        last.withLock { before in
            if now.submitted < before.submitted || now.completed < before.completed || now.completed > now.submitted {
                Issue.record("\(now) after \(before)")
            }
            before = now
        }
        _ = try device.status(of: vchan)
    }
}
