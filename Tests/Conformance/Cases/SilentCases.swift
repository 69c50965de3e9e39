import CDMADev
import DMADev
import SystemPackage
import TestSupport
import Testing

/// Silent mode: completions are not polled.
let silentCases: [ConformanceCase] = [
    ConformanceCase("in silent mode frees slots without being polled", needs: .silent, mode: .silent, freesSlots),
    ConformanceCase("in silent mode has room for what is not rung or not done", needs: .silent, mode: .silent, hasRoom),
    ConformanceCase("in silent mode offers no polls", needs: .silent, mode: .silent, offersNoPolls),
    ConformanceCase(
        "in silent mode counts failures and goes on", needs: [.silent, .handlesErrors], mode: .silent, countsFailures),
    ConformanceCase(
        "in silent mode counts as in use what is not done", needs: .silent, mode: .silent, countsSlotsInUse),
    ConformanceCase(
        "in silent mode takes structures and gives none back", needs: [.silent, .enqueueDequeue, .copyScatterGather],
        mode: [.silent, .enqueueDequeue], keepsStructures),
]

private func freesSlots(_ bench: ConformanceBench) throws {
    let (channel, count) = (try bench.channel(), 3 * Int(bench.descriptorCount) + 1)
    let slab = bench.slab(count)
    for slot in 0..<count {
        let index = try eventually("a slot is free") { () throws in
            do throws(OperationError) {
                return try slab.enqueue(slot, on: channel, flags: slot % 3 == 0 ? .submit : [])
            } catch {
                try #require(error == OperationError(.ringFull, .noSpace))
                try channel.submit()
                return nil
            }
        }
        if index != RingIndex(truncatingIfNeeded: slot) { Issue.record("\(index) after \(slot) others") }
    }
    try channel.submit()
    try channel.waitUntilIdle()
    slab.expectWritten { _ in true }
    #expect(try channel.burstCapacity == Int(bench.descriptorCount))
    let done = Statistics(submitted: UInt64(count), completed: UInt64(count))
    #expect(try bench.device.statistics(of: channel.index) == done)
}

private func hasRoom(_ bench: ConformanceBench) throws {
    let (channel, count) = (try bench.channel(), Int(bench.descriptorCount))
    let slab = bench.slab(count)
    for _ in 0..<3 {
        for slot in 0..<count {
            try slab.enqueue(slot, on: channel)
            #expect(try channel.burstCapacity == count - slot - 1)
        }
        expectRefusal(.ringFull, .noSpace) { try slab.enqueue(0, on: channel, flags: .submit) }
        #expect(try bench.device.status(of: channel.index) == .idle)
        try channel.submit()
        try channel.waitUntilIdle()
        #expect(try channel.burstCapacity == count)
    }
}

private func offersNoPolls(_ bench: ConformanceBench) throws {
    let (channel, slab) = (try bench.channel(), bench.slab(1))
    try slab.enqueue(0, on: channel, flags: .submit)
    try channel.waitUntilIdle()
    expectRefusal(.silentMode, .notSupported) { try channel.completed(upTo: 1) }
    expectRefusal(.silentMode, .notSupported) { try channel.pollStatuses(1) }
    expectRefusal(.wrongMode, .notSupported) { try channel.takeBack(1) }
    slab.expectWritten { _ in true }
}

private func countsFailures(_ bench: ConformanceBench) throws {
    let (channel, count) = (try bench.channel(), bench.burst(upTo: 6))
    let slab = bench.slab(count)
    for slot in 0..<count {
        if slot == 1 {
            _ = try slab.enqueueBad(slot, BadAddress.refused, as: .source, on: channel)
        } else {
            try slab.enqueue(slot, on: channel, flags: slot == 4 ? .fence : [])
        }
    }
    try channel.submit()
    try channel.waitUntilIdle()
    slab.expectWritten { $0 == 0 || (2..<4).contains($0) }
    let failures = UInt64(count - (0..<count).filter { $0 == 0 || (2..<4).contains($0) }.count)
    let expected = Statistics(submitted: UInt64(count), completed: UInt64(count), errors: failures)
    #expect(try bench.device.statistics(of: channel.index) == expected)
    slab.reset()
    try slab.enqueue(0, on: channel, flags: [.fence, .submit])
    try channel.waitUntilIdle()
    slab.expectWritten { $0 == 0 }
}

private func countsSlotsInUse(_ bench: ConformanceBench) throws {
    let (channel, slab) = (try bench.channel(), bench.slab(2))
    for round in 0..<3 * Int(bench.descriptorCount) {
        try slab.enqueue(round % 2, on: channel, flags: .submit)
        try channel.waitUntilIdle()
    }
    guard let details = bench.device.view.counters(of: channel.index) else { return }
    #expect(details.application.high_water == 1)
    #expect(details.application.rejected == 0)
}

private func keepsStructures(_ bench: ConformanceBench) throws {
    let (channel, count) = (try bench.channel(), 2 * Int(bench.descriptorCount))
    let structures = Structures(count)
    var taken = 0
    while taken < count {
        taken += try eventually("a structure is taken") {
            let some = try channel.enqueue(structures.buffers[taken...])
            return some > 0 ? some : nil
        }
    }
    try channel.waitUntilIdle()
    structures.expectCopied { _ in true }
    #expect(try channel.burstCapacity == Int(bench.descriptorCount))
    expectRefusal(.silentMode, .notSupported) { try channel.takeBack(1) }
}
