import DMADev
import TestSupport
import SystemPackage
import Testing

/// Copy between lists.
let scatterGatherCases: [ConformanceCase] = [
    ConformanceCase("copies lists of every shape", needs: .copyScatterGather, copiesShapes),
    ConformanceCase("copies lists that are cut at random", needs: .copyScatterGather, copiesRandomLists),
    ConformanceCase("copies large lists", needs: .copyScatterGather, copiesLargeLists),
    ConformanceCase("steps over empty entries", needs: .copyScatterGather, stepsOverEmptyEntries),
    ConformanceCase("takes lists of no bytes as no-ops", needs: .copyScatterGather, takesNoOps),
    ConformanceCase("refuses lists that do not fit", needs: .copyScatterGather, refusesLists),
    ConformanceCase("keeps lists of its own", needs: .copyScatterGather, keepsLists),
]

/// Lists over one source and one destination, with gaps between the destination's entries.
private struct Lists {
    let source: GuardedMemory
    let destination: GuardedMemory
    var from: [ScatterGatherEntry] = []
    var to: [ScatterGatherEntry] = []
    private let total: Int
    private let gap = 3
    private let lengths: [Int]

    init(_ sourceLengths: [Int], _ destinationLengths: [Int], seed: UInt64 = 7) {
        total = sourceLengths.reduce(0, +)
        lengths = destinationLengths
        source = GuardedMemory(total, offset: 5, seed: seed)
        destination = GuardedMemory(total + gap * destinationLengths.count, offset: 3)
        var offset = 0
        for length in sourceLengths {
            from.append(source.entry(at: offset, count: length))
            offset += length
        }
        offset = 0
        for length in destinationLengths {
            to.append(destination.entry(at: offset, count: length))
            offset += length + gap
        }
    }

    func expectCopied(sourceLocation: SourceLocation = #_sourceLocation) {
        let given = source.bytes
        var expected: [UInt8] = []
        var offset = 0
        for length in lengths {
            expected += given[offset..<offset + length] + GuardedMemory.untouched(gap)
            offset += length
        }
        destination.expect(expected, sourceLocation: sourceLocation)
    }
}

private func copy(_ lists: Lists, on channel: VirtualChannel) throws {
    try channel.copy(from: lists.from, to: lists.to, flags: .submit)
    #expect(try channel.statuses(1) == [.successful])
    lists.expectCopied()
}

/// As many sources as destinations, fewer, more; cut alike or not.
private func copiesShapes(_ bench: ConformanceBench) throws {
    let (channel, most) = (try bench.channel(), Int(bench.properties.maximumEntryCount))
    let counts = Set([1, min(2, most), min(5, most), most])
    for sources in counts {
        for destinations in counts {
            let total = sources * destinations * 7
            try copy(
                Lists(
                    Array(repeating: total / sources, count: sources),
                    Array(repeating: total / destinations, count: destinations)),
                on: channel)
        }
    }
}

private func copiesRandomLists(_ bench: ConformanceBench) throws {
    let (channel, most) = (try bench.channel(), Int(bench.properties.maximumEntryCount))
    var random = SeededGenerator(for: "random lists")
    for _ in 0..<100 {
        let total = Int.random(in: 1...3000, using: &random)
        try copy(
            Lists(cut(total, most: most, &random), cut(total, most: most, &random), seed: random.next()), on: channel)
    }
}

private func cut(_ total: Int, most: Int, _ random: inout SeededGenerator) -> [Int] {
    let count = Int.random(in: 1...most, using: &random)
    let ends = (1..<count).map { _ in Int.random(in: 0...total, using: &random) }.sorted() + [total]
    return zip(ends, [0] + ends).map { $0 - $1 }
}

private func copiesLargeLists(_ bench: ConformanceBench) throws {
    guard bench.properties.maximumEntryCount >= 3 else { return }
    let channel = try bench.channel()
    try copy(Lists([400_001, 1, 300_000], [262_144, 437_858]), on: channel)
    try copy(Lists([700_002], [262_143, 2, 437_857]), on: channel)
}

private func stepsOverEmptyEntries(_ bench: ConformanceBench) throws {
    guard bench.properties.maximumEntryCount >= 4 else { return }
    let channel = try bench.channel()
    try copy(Lists([0, 5, 0, 6], [11]), on: channel)
    try copy(Lists([11], [0, 0, 11, 0]), on: channel)
    try copy(Lists([5, 0, 0, 6], [0, 6, 5, 0]), on: channel)
}

private func takesNoOps(_ bench: ConformanceBench) throws {
    let (channel, memory) = (try bench.channel(), GuardedMemory(8))
    // An entry of no bytes names no memory: its address does not matter.
    let empty = [memory.entry(at: 0, count: 0)]
    let nowhere = [ScatterGatherEntry(address: .max, length: 0)]
    for (from, to) in [([], []), (empty, []), ([], empty), (empty, empty), (nowhere, nowhere)] {
        let capacity = try channel.burstCapacity
        try channel.copy(from: from, to: to, flags: .submit)
        #expect(try channel.burstCapacity == capacity - 1)
        #expect(try channel.statuses(1) == [.successful])
    }
    memory.expect(GuardedMemory.untouched(8))
}

private func refusesLists(_ bench: ConformanceBench) throws {
    let (channel, memory) = (try bench.channel(), GuardedMemory(16))
    let most = Int(bench.properties.maximumEntryCount)
    let (one, two) = ([memory.entry(at: 0, count: 1)], [memory.entry(at: 0, count: 2)])
    for (from, to) in [(one, two), (two, one), (one, []), ([], one)] {
        expectRefusal(.unequalLists, .invalidArgument) { try channel.copy(from: from, to: to, flags: .submit) }
    }
    // Sums that are equal in 32 bits only.
    let wrapping = [ScatterGatherEntry(address: memory.address, length: .max), memory.entry(at: 0, count: 2)]
    if most >= 2 {
        expectRefusal(.unequalLists, .invalidArgument) { try channel.copy(from: wrapping, to: one, flags: .submit) }
    }
    let many = Array(repeating: one[0], count: most + 1)
    let sum = [memory.entry(at: 0, count: most + 1)]
    for (from, to) in [(many, sum), (sum, many), (many, many)] {
        expectRefusal(.tooManyEntries, .invalidArgument) { try channel.copy(from: from, to: to, flags: .submit) }
    }
    let tooMany = Array(repeating: memory.entry(at: 0, count: 0), count: 65_537)
    expectRefusal(.tooManyEntries, .invalidArgument) { try channel.copy(from: tooMany, to: tooMany) }
    #expect(try channel.burstCapacity == Int(bench.descriptorCount))
    memory.expect(GuardedMemory.untouched(16))
}

/// The lists may go once the call has returned.
private func keepsLists(_ bench: ConformanceBench) throws {
    let (channel, count) = (try bench.channel(), bench.burst(upTo: 64))
    let (source, destination) = (GuardedMemory(count * 8, seed: 8), GuardedMemory(count * 8))
    var (from, to): ([ScatterGatherEntry], [ScatterGatherEntry])
    for index in 0..<count {
        from = [source.entry(at: index * 8, count: 8)]
        to = [destination.entry(at: index * 8, count: 8)]
        try channel.copy(from: from, to: to)
        (from, to) = ([], [])
    }
    try channel.submit()
    #expect(try channel.statuses(count).allSatisfy { $0 == .successful })
    destination.expect(source.bytes)
}
