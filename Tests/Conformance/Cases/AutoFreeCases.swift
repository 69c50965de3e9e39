import DMADev
import Synchronization
import SystemPackage
import Testing

/// Auto-free: source buffers go back to their pool.
let autoFreeCases: [ConformanceCase] = [
    autoFreeCase("has given a buffer back before its completion is visible", givesBackBeforeCompletion),
    autoFreeCase("gives buffers back however their operations end", needs: .handlesErrors, givesBackAfterFailures),
    autoFreeCase("gives buffers back on stop, but those that were not rung", givesBackOnStop),
    autoFreeCase("gives each buffer of a list back", needs: .copyScatterGather, givesBackLists),
    autoFreeCase(
        "gives buffers back in silent mode and as structures",
        needs: [.copyScatterGather, .silent, .enqueueDequeue], givesBackInModes),
    autoFreeCase("gives nothing back that it was not told to", givesNothingElseBack),
    autoFreeCase("refuses auto-free without a pool, and pools of other directions", refusesAutoFree),
]

private func autoFreeCase(
    _ name: String, needs: Capabilities = [], _ body: @escaping @Sendable (ConformanceBench) throws -> Void
) -> ConformanceCase {
    ConformanceCase(
        name, needs: needs.union([.autoFree, .mem2dev, .copy, .sva]), variant: .deviceMemory, on: .freshDevice, body)
}

/// A pool that knows how often each buffer came back.
private final class CountingPool: BufferPool {
    private let counts = Mutex<[UInt64: Int]>([:])

    func giveBack(_ address: UInt64) { counts.withLock { $0[address, default: 0] += 1 } }

    /// How often which buffer came back.
    var givenBack: [UInt64: Int] { counts.withLock { $0 } }

    /// How many came back.
    var total: Int { counts.withLock { $0.values.reduce(0, +) } }
}

/// A channel to a device, with a pool of buffers.
private struct Buffers {
    let pool = CountingPool()
    let memory: GuardedMemory
    let channel: VirtualChannel
    let size: Int

    init(_ bench: ConformanceBench, count: Int, size: Int = 64, flags: ConfigurationFlags = []) throws {
        self.size = size
        memory = GuardedMemory(count * size, seed: 13)
        channel = try bench.start(
            [
                VirtualChannelConfiguration(
                    direction: .mem2dev, descriptorCount: bench.descriptorCount, destinationPort: port,
                    autoFreePool: pool)
            ], flags: flags)[0]
    }

    func address(_ number: Int) -> UInt64 { memory.address + UInt64(number * size) }

    func copy(_ number: Int, to offset: UInt64 = 0, flags: OperationFlags = .autoFree) throws {
        try channel.copy(from: address(number), to: offset, length: UInt32(size), flags: flags)
    }

    func expectGivenBack(_ numbers: some Sequence<Int>, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(
            pool.givenBack == Dictionary(uniqueKeysWithValues: numbers.map { (address($0), 1) }),
            sourceLocation: sourceLocation)
    }
}

/// The first device of the bench.
private let port = Port.pcie(ConformanceBench.ports[1])

private func givesBackBeforeCompletion(_ bench: ConformanceBench) throws {
    let (burst, rounds) = (bench.burst(upTo: 32), 100)
    let buffers = try Buffers(bench, count: burst * rounds)
    var seen = 0
    for round in 0..<rounds {
        for number in 0..<burst { try buffers.copy(round * burst + number, flags: [.autoFree, .lastLevelCache]) }
        try buffers.channel.submit()
        while seen < (round + 1) * burst {
            // Looking at the pool after each completion, whichever call tells of it.
            let found =
                seen % 2 == 0
                ? try buffers.channel.completed(upTo: 1).count : try buffers.channel.pollStatuses(1).count
            seen += found
            if found > 0, buffers.pool.total < seen {
                Issue.record("\(seen) completions are visible, \(buffers.pool.total) buffers are back")
            }
        }
    }
    buffers.expectGivenBack(0..<burst * rounds)
}

private func givesBackAfterFailures(_ bench: ConformanceBench) throws {
    let buffers = try Buffers(bench, count: 6)
    guard bench.descriptorCount >= 7 else { return }
    for number in 0..<6 {
        let flags: OperationFlags = number == 4 ? [.autoFree, .fence] : .autoFree
        try buffers.copy(number, to: number == 2 ? .max : 0, flags: flags)
    }
    // A buffer that cannot even be read.
    try buffers.channel.copy(from: BadAddress.refused, to: 0, length: 8, flags: [.autoFree, .submit])
    let expected: [CompletionStatus] = [
        .successful, .successful, .invalidDestinationAddress, .successful, .notAttempted, .notAttempted, .notAttempted,
    ]
    var statuses: [CompletionStatus] = []
    while statuses.count < expected.count {
        statuses += try buffers.channel.statuses(1)
        #expect(buffers.pool.total >= statuses.count)
    }
    #expect(statuses == expected)
    #expect(buffers.pool.givenBack[BadAddress.refused] == 1)
    #expect(buffers.pool.total == 7)
    #expect((0..<6).allSatisfy { buffers.pool.givenBack[buffers.address($0)] == 1 })
}

private func givesBackOnStop(_ bench: ConformanceBench) throws {
    let count = bench.burst(upTo: 16)
    let rung = count / 2
    for _ in 0..<20 {
        let buffers = try Buffers(bench, count: count, size: 300_000)
        for number in 0..<rung { try buffers.copy(number) }
        try buffers.channel.submit()
        for number in rung..<count { try buffers.copy(number) }
        try bench.device.stop()
        // Done or aborted, those are back; what was not rung stays with the application.
        buffers.expectGivenBack(0..<rung)
        try bench.device.start()
        try buffers.channel.submit()
        try bench.device.stop()
        buffers.expectGivenBack(0..<rung)
    }
}

private func givesBackLists(_ bench: ConformanceBench) throws {
    let most = min(Int(bench.properties.maximumEntryCount), 5)
    let buffers = try Buffers(bench, count: 2 * most)
    for count in [most, 1] {
        let first = count == most ? 0 : most
        let entries = (first..<first + count).map {
            ScatterGatherEntry(address: buffers.address($0), length: UInt32(buffers.size))
        }
        try buffers.channel.copy(
            from: entries, to: [ScatterGatherEntry(address: 0, length: UInt32(count * buffers.size))],
            flags: [.autoFree, .submit])
        #expect(try buffers.channel.statuses(1) == [.successful])
        buffers.expectGivenBack(0..<first + count)
    }
}

private func givesBackInModes(_ bench: ConformanceBench) throws {
    let count = bench.burst(upTo: 10)
    let silent = try Buffers(bench, count: count, flags: .silent)
    for number in 0..<count { try silent.copy(number, flags: [.autoFree, .submit]) }
    try silent.channel.waitUntilIdle()
    silent.expectGivenBack(0..<count)
    try bench.device.stop()

    let structures = try Buffers(bench, count: count, flags: .enqueueDequeue)
    let operations = (0..<count).map { number in
        OperationBuffer(
            from: [ScatterGatherEntry(address: structures.address(number), length: UInt32(structures.size))],
            to: [ScatterGatherEntry(address: 0, length: UInt32(structures.size))], flags: .autoFree)
    }
    #expect(try structures.channel.enqueue(operations[...]) == count)
    for back in 1...count {
        #expect(try structures.channel.takeAllBack(1).count == 1)
        #expect(structures.pool.total >= back)
    }
    structures.expectGivenBack(0..<count)
}

private func givesNothingElseBack(_ bench: ConformanceBench) throws {
    let buffers = try Buffers(bench, count: 4)
    for number in 0..<bench.burst(upTo: 4) where number != 1 { try buffers.copy(number, flags: .submit) }
    try buffers.copy(1, flags: [.autoFree, .submit])
    try buffers.channel.successes(bench.burst(upTo: 4))
    buffers.expectGivenBack([1])
    // A fill has no source: its pattern is no buffer.
    if bench.properties.capabilities.contains(.fill) {
        try buffers.channel.fill(0, pattern: buffers.address(3), length: 64, flags: [.autoFree, .submit])
        #expect(try buffers.channel.statuses(1) == [.successful])
        buffers.expectGivenBack([1])
    }
}

private func refusesAutoFree(_ bench: ConformanceBench) throws {
    let (pool, memory) = (CountingPool(), GuardedMemory(64))
    let plain = VirtualChannelConfiguration(
        direction: .mem2dev, descriptorCount: bench.descriptorCount, destinationPort: port)
    let channels = try bench.start([plain, VirtualChannelConfiguration(descriptorCount: bench.descriptorCount)])
    for channel in channels {
        let address = channel.index == 0 ? 0 : memory.address + 32
        let lists = [
            memory.entry(at: 0, count: 8), ScatterGatherEntry(address: address, length: 8),
        ]
        expectRefusal(.noPool, .invalidArgument) {
            try channel.copy(from: memory.address, to: address, length: 8, flags: [.autoFree, .submit])
        }
        if bench.properties.capabilities.contains(.copyScatterGather) {
            expectRefusal(.noPool, .invalidArgument) {
                try channel.copy(from: [lists[0]], to: [lists[1]], flags: [.autoFree, .submit])
            }
        }
        #expect(try channel.burstCapacity == Int(bench.descriptorCount))
    }
    try bench.device.stop()
    memory.expect(GuardedMemory.untouched(64))

    let others: [(TransferDirection, from: Port, to: Port)] = [
        (.mem2mem, .none, .none), (.dev2mem, port, .none), (.dev2dev, port, port),
    ]
    for (direction, from, to) in others {
        expect(.invalidArgument, "a pool on a \(direction.name) channel") {
            try bench.device.setUpVirtualChannel(
                0,
                configuration: VirtualChannelConfiguration(
                    direction: direction, descriptorCount: bench.descriptorCount, sourcePort: from,
                    destinationPort: to, autoFreePool: pool))
        }
    }
    #expect(pool.total == 0)
}
