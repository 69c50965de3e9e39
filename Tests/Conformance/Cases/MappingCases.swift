import DMADev
import Glibc
import SystemPackage
import TestSupport
import Testing

/// Devices without SVA reach what was mapped for them, and nothing else.
let mappingCases: [ConformanceCase] = [
    mappingCase("reaches mapped memory under its IOVA", reachesMapped),
    mappingCase("reaches across mappings that follow each other", reachesAcross),
    mappingCase("fails where nothing is mapped, and tells which side", needs: .handlesErrors, failsUnmapped),
    mappingCase("keeps mappings over stops and configurations", keepsMappings),
    mappingCase("refuses mappings that meet others, or make no sense", refusesMappings),
    mappingCase(
        "touches memory no more once it is unmapped, with operations under way", needs: [.handlesErrors, .fill],
        leavesUnmapped),
    ConformanceCase("maps nothing where it has SVA", needs: [.sva, .copy], mapsNothing),
]

private func mappingCase(
    _ name: String, needs: Capabilities = [], _ body: @escaping @Sendable (ConformanceBench) throws -> Void
) -> ConformanceCase {
    ConformanceCase(name, needs: needs.union(.copy), variant: .withoutSVA, body)
}

/// An address that no process has, for mappings whose IOVA the case chooses.
private let base: UInt64 = 1 << 60

private func reachesMapped(_ bench: ConformanceBench) throws {
    let (device, channel) = (bench.device, try bench.channel())
    #expect(!bench.properties.capabilities.contains(.sva))
    let source = GuardedMemory(3 * 256 * 1024 + 5, offset: 3, seed: 14)
    for chosen in [nil, base, 4096, 1] as [UInt64?] {
        let destination = GuardedMemory(source.count, offset: 11)
        let from = try device.mapMemory(source.region)
        let to = try device.mapMemory(destination.region, iova: chosen)
        if let chosen { #expect(to == chosen) }
        try channel.copy(from: from, to: to, length: UInt32(source.count), flags: .submit)
        #expect(try channel.statuses(1) == [.successful])
        destination.expect(source.bytes)
        // Overlapping, and in the middle.
        var expected = destination.bytes
        expected.replaceSubrange(100..<600_100, with: expected[..<600_000])
        try channel.copy(from: to, to: to + 100, length: 600_000, flags: .submit)
        #expect(try channel.statuses(1) == [.successful])
        destination.expect(expected)
        if bench.properties.capabilities.contains(.fill) {
            try channel.fill(to + 5, pattern: 0x0102_0304_0506_0708, length: 19, flags: .submit)
            #expect(try channel.statuses(1) == [.successful])
            expected.replaceSubrange(5..<24, with: patternBytes(0x0102_0304_0506_0708, 19))
            destination.expect(expected)
        }
        if bench.properties.capabilities.contains(.copyScatterGather) {
            try channel.copy(
                from: [ScatterGatherEntry(address: from, length: 7), ScatterGatherEntry(address: from + 9, length: 8)],
                to: [ScatterGatherEntry(address: to + 50, length: 15)], flags: .submit)
            #expect(try channel.statuses(1) == [.successful])
            expected.replaceSubrange(50..<65, with: source.bytes[..<7] + source.bytes[9..<17])
            destination.expect(expected)
        }
        try device.unmapMemory(iova: from)
        try device.unmapMemory(iova: to)
    }
}

/// Four pieces of memory, in another order than that of their IOVAs, without gaps between those.
private struct Pieces {
    let memories: [GuardedMemory]
    let iovas: [UInt64]
    let lengths = [1000, 1, 300_000, 4096]
    var count: Int { lengths.reduce(0, +) }

    init(_ device: DMADevice, at iova: UInt64, seed: UInt64?) throws {
        memories = lengths.enumerated().reversed().map { number, length in
            GuardedMemory(length, offset: number, seed: seed.map { $0 + UInt64(number) })
        }.reversed()
        var next = iova
        iovas = lengths.map { length in
            defer { next += UInt64(length) }
            return next
        }
        for number in [2, 0, 3, 1] { _ = try device.mapMemory(memories[number].region, iova: iovas[number]) }
    }

    func unmap(_ device: DMADevice) throws {
        for iova in iovas { try device.unmapMemory(iova: iova) }
    }

    var bytes: [UInt8] { memories.flatMap(\.bytes) }

    func expect(_ expected: [UInt8], sourceLocation: SourceLocation = #_sourceLocation) {
        var offset = 0
        for memory in memories {
            memory.expect(Array(expected[offset..<offset + memory.count]), sourceLocation: sourceLocation)
            offset += memory.count
        }
    }
}

private func reachesAcross(_ bench: ConformanceBench) throws {
    let (device, channel) = (bench.device, try bench.channel())
    let (source, target) = (
        try Pieces(device, at: base + 7, seed: 15), try Pieces(device, at: base + (1 << 30), seed: nil)
    )
    let (from, to) = (source.iovas[0], target.iovas[0])
    try channel.copy(from: from, to: to, length: UInt32(source.count), flags: .submit)
    #expect(try channel.statuses(1) == [.successful])
    var expected = source.bytes
    target.expect(expected)
    // The borders of one side within the pieces of the other.
    try channel.copy(from: from, to: to + 500, length: UInt32(source.count) - 500, flags: .submit)
    #expect(try channel.statuses(1) == [.successful])
    expected.replaceSubrange(500..., with: source.bytes.dropLast(500))
    target.expect(expected)
    if bench.properties.capabilities.contains(.fill) {
        let count = source.count - 3
        try channel.fill(to + 3, pattern: 0x1122_3344_5566_7788, length: UInt32(count), flags: .submit)
        #expect(try channel.statuses(1) == [.successful])
        expected.replaceSubrange(3..., with: patternBytes(0x1122_3344_5566_7788, count))
        target.expect(expected)
    }
    if bench.properties.capabilities.contains(.copyScatterGather) {
        let length = UInt32(source.count)
        try channel.copy(
            from: [ScatterGatherEntry(address: from, length: length)],
            to: [
                ScatterGatherEntry(address: to, length: 999),
                ScatterGatherEntry(address: to + 999, length: length - 999),
            ],
            flags: .submit)
        #expect(try channel.statuses(1) == [.successful])
        target.expect(source.bytes)
    }
    try source.unmap(device)
    try target.unmap(device)
}

private func failsUnmapped(_ bench: ConformanceBench) throws {
    let (device, channel) = (bench.device, try bench.channel())
    let (good, islands, other) = (GuardedMemory(4096, seed: 16), MappedIslands(), GuardedMemory(64))
    let goodIOVA = try device.mapMemory(good.region)
    try islands.map(for: device, at: base)
    // Unmapped at its first byte, in the middle, at its last byte; an address of the process; the ends of all addresses.
    let bad: [(UInt64, UInt32)] = [
        (base - 1, 16), (base - 16, 16), (base + 4090, 16), (base + 4081, 16), (base + 4096, 1), (base + 4100, 4096),
        (other.address, 16), (good.address, 16), (0, 1), (.max, 1), (.max - 7, 16), (1 << 56, 16),
    ]
    for (address, length) in bad {
        try channel.copy(from: address, to: goodIOVA, length: length)
        try channel.submit()
        #expect(try channel.statuses(1) == [.invalidSourceAddress], "\(length) bytes from \(address)")
        try channel.copy(from: goodIOVA, to: address, length: length)
        try channel.submit()
        #expect(try channel.statuses(1) == [.invalidDestinationAddress], "\(length) bytes to \(address)")
        if bench.properties.capabilities.contains(.copyScatterGather) {
            let (bad, entry) = (
                ScatterGatherEntry(address: address, length: length),
                ScatterGatherEntry(address: goodIOVA, length: length)
            )
            try channel.copy(from: [bad], to: [entry], flags: .submit)
            #expect(try channel.statuses(1) == [.invalidSourceAddress])
            try channel.copy(from: [entry], to: [bad], flags: .submit)
            #expect(try channel.statuses(1) == [.invalidDestinationAddress])
        }
        if bench.properties.capabilities.contains(.fill) {
            try channel.fill(address, pattern: 0, length: length, flags: .submit)
            #expect(try channel.statuses(1) == [.invalidDestinationAddress])
        }
    }
    // The bytes before a failure are unspecified; these were never reachable.
    other.expect(GuardedMemory.untouched(64))
    for memory in [good, islands.first, islands.second] { #expect(memory.holds(memory.bytes), "its guards") }
    // The device goes on.
    try channel.copy(from: goodIOVA, to: base, length: 4096, flags: .submit)
    #expect(try channel.statuses(1) == [.successful])
    islands.first.expect(good.bytes)
    try device.unmapMemory(iova: goodIOVA)
    try channel.copy(from: goodIOVA, to: base, length: 1, flags: .submit)
    #expect(try channel.statuses(1) == [.invalidSourceAddress])
}

/// Two pages under IOVAs that nearly touch: three bytes lie between them.
private struct MappedIslands {
    let first = GuardedMemory(4096)
    let second = GuardedMemory(4096)

    func map(for device: DMADevice, at iova: UInt64) throws {
        _ = try device.mapMemory(first.region, iova: iova)
        _ = try device.mapMemory(second.region, iova: iova + 4099)
    }
}

private func keepsMappings(_ bench: ConformanceBench) throws {
    let (device, channel) = (bench.device, try bench.channel())
    let (source, destination) = (GuardedMemory(100, seed: 17), GuardedMemory(100))
    let from = try device.mapMemory(source.region)
    try device.stop()
    let to = try device.mapMemory(destination.region)
    for _ in 0..<3 {
        destination.clear()
        try bench.setUpAndStart()
        try channel.copy(from: from, to: to, length: 100, flags: .submit)
        #expect(try channel.statuses(1) == [.successful])
        destination.expect(source.bytes)
        try device.stop()
    }
    try device.unmapMemory(iova: from)
    try bench.setUpAndStart()
    if bench.properties.capabilities.contains(.handlesErrors) {
        try channel.copy(from: from, to: to, length: 100, flags: .submit)
        #expect(try channel.statuses(1) == [.invalidSourceAddress])
    }
}

private func refusesMappings(_ bench: ConformanceBench) throws {
    let (device, memory) = (bench.device, try MappedMemory(pages: 4))
    func part(_ count: Int) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: memory.region[..<count])
    }
    #expect(try device.mapMemory(part(4096), iova: base) == base)
    // The same, inside, over either end, around.
    for (iova, count) in [(base, 4096), (base + 5, 10), (base - 9, 10), (base + 4095, 100), (base - 1, 4098)] {
        expect(.fileExists, "\(count) bytes at \(iova)") { _ = try device.mapMemory(part(count), iova: iova) }
    }
    // Beside it is free.
    for (iova, count) in [(base - 10, 10), (base + 4096, 100)] {
        #expect(try device.mapMemory(part(count), iova: iova) == iova)
        try device.unmapMemory(iova: iova)
    }
    expect(.invalidArgument, "empty") { _ = try device.mapMemory(part(0)) }
    expect(.invalidArgument, "wrapping") { _ = try device.mapMemory(part(100), iova: .max - 50) }
    for iova in [base + 1, base - 1, base + 4096, 0, memory.address] {
        expect(.invalidArgument, "nothing begins there") { try device.unmapMemory(iova: iova) }
    }
    // Ranges that nobody can have, again and again: an error at the latest when addresses run out.
    let endless = UnsafeMutableRawBufferPointer(start: memory.region.baseAddress, count: .max)
    for _ in 0..<4 { try? device.unmapMemory(iova: device.mapMemory(endless)) }
    try device.unmapMemory(iova: base)
    expect(.invalidArgument) { try device.unmapMemory(iova: base) }
    #expect(try device.mapMemory(part(100), iova: base) == base)
    try device.unmapMemory(iova: base)
}

private func leavesUnmapped(_ bench: ConformanceBench) throws {
    let (device, channel, count) = (bench.device, try bench.channel(), bench.burst(upTo: 12))
    let size = 200_000
    var random = SeededGenerator(for: "unmapping")
    let kept = GuardedMemory(size, seed: 18)
    let keptIOVA = try device.mapMemory(kept.region)
    for round in 0..<60 {
        let memory = GuardedMemory(size)
        let iova = try device.mapMemory(memory.region)
        let before = try device.statistics(of: channel.index).completed
        for number in 0..<count {
            if number % 2 == 0 {
                try channel.fill(iova, pattern: random.next(), length: UInt32(size))
            } else {
                try channel.copy(from: keptIOVA, to: iova, length: UInt32(size))
            }
        }
        try channel.submit()
        // Somewhere in the middle: so many are done, and then a little.
        let wanted = before + UInt64(random.next() % UInt64(count))
        try eventually("some are done") { try device.statistics(of: channel.index).completed >= wanted }
        for _ in 0..<random.next() % 200 { sched_yield() }
        try device.unmapMemory(iova: iova)
        memory.clear()
        let statuses = try channel.statuses(count)
        memory.expect(GuardedMemory.untouched(size), "round \(round)")
        #expect(statuses.drop { $0 == .successful }.allSatisfy { $0 == .invalidDestinationAddress })
    }
}

private func mapsNothing(_ bench: ConformanceBench) throws {
    let (device, channel) = (bench.device, try bench.channel())
    let (source, destination) = (GuardedMemory(100, seed: 19), GuardedMemory(100))
    #expect(try device.mapMemory(source.region) == source.address)
    #expect(try device.mapMemory(destination.region, iova: destination.address) == destination.address)
    expect(.invalidArgument) { _ = try device.mapMemory(source.region, iova: base) }
    try channel.copy(from: source.address, to: destination.address, length: 100, flags: .submit)
    #expect(try channel.statuses(1) == [.successful])
    try device.unmapMemory(iova: source.address)
    destination.clear()
    // Nothing was mapped, so nothing is unmapped.
    try channel.copy(from: source.address, to: destination.address, length: 100, flags: .submit)
    #expect(try channel.statuses(1) == [.successful])
    destination.expect(source.bytes)
}
