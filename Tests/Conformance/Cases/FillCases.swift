import DMADev
import SystemPackage
import Testing

/// Fill with a pattern.
let fillCases: [ConformanceCase] = [
    ConformanceCase("fills every length at every alignment", needs: .fill, fillsUnaligned),
    ConformanceCase("fills large memories", needs: .fill, fillsLarge),
    ConformanceCase("refuses fills of no bytes", needs: .fill, refusesEmptyFills),
]

private let patterns: [UInt64] = [0, .max, 0x4242_4242_4242_4242, 0x0102_0304_0506_0708, 0xFEDC_BA98_7654_3210, 1]

private func fillsUnaligned(_ bench: ConformanceBench) throws {
    let channel = try bench.channel()
    for (step, length) in (Array(1...40) + [63, 64, 65, 1023, 1024, 4099]).enumerated() {
        let (memory, pattern) = (GuardedMemory(length, offset: step % 16), patterns[step % patterns.count])
        try channel.fill(memory.address, pattern: pattern, length: UInt32(length), flags: .submit)
        #expect(try channel.statuses(1) == [.successful])
        memory.expect(patternBytes(pattern, length), "length \(length), pattern \(pattern)")
    }
}

private func fillsLarge(_ bench: ConformanceBench) throws {
    let channel = try bench.channel()
    for pattern in patterns.suffix(3) {
        let memory = GuardedMemory(2 * 256 * 1024 + 13, offset: 3)
        try channel.fill(memory.address, pattern: pattern, length: UInt32(memory.count), flags: .submit)
        #expect(try channel.statuses(1) == [.successful])
        memory.expect(patternBytes(pattern, memory.count))
    }
}

private func refusesEmptyFills(_ bench: ConformanceBench) throws {
    let (channel, memory) = (try bench.channel(), GuardedMemory(8))
    expectRefusal(.zeroLength, .invalidArgument) {
        try channel.fill(memory.address, pattern: 1, length: 0, flags: .submit)
    }
    #expect(try channel.burstCapacity == Int(bench.descriptorCount))
    memory.expect(GuardedMemory.untouched(8))
}
