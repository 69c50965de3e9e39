import DMADev
import TestSupport
import SystemPackage
import Testing

/// Copy: that the bytes arrive, all of them and nowhere else.
let copyCases: [ConformanceCase] = [
    ConformanceCase("copies every small length at every alignment", needs: .copy, copiesUnaligned),
    ConformanceCase("copies large memories", needs: .copy, copiesLarge),
    ConformanceCase("copies overlapping memories as memmove does", needs: .copy, copiesOverlapping),
    ConformanceCase("copies to where it copies from", needs: .copy, copiesInPlace),
    ConformanceCase("copies bursts, polled in any way", needs: .copy, copiesBursts),
    ConformanceCase("copies from and to any memory of the process", needs: [.copy, .sva], copiesAnywhere),
    ConformanceCase("refuses copies of no bytes", needs: .copy, refusesEmptyCopies),
]

private func copiesUnaligned(_ bench: ConformanceBench) throws {
    let channel = try bench.channel()
    var random = SeededGenerator(seed: 2)
    let lengths = Array(1...40) + [63, 64, 65, 127, 255, 256, 1000, 1024, 4095, 4097]
    for length in lengths {
        let source = GuardedMemory(length, offset: Int(random.next() % 64), seed: random.next())
        let destination = GuardedMemory(length, offset: Int(random.next() % 64))
        try channel.copy(
            from: source.address, to: destination.address, length: UInt32(length), flags: [.submit, .lastLevelCache])
        #expect(try channel.statuses(1) == [.successful])
        destination.expect(source.bytes, "length \(length)")
    }
}

private func copiesLarge(_ bench: ConformanceBench) throws {
    let channel = try bench.channel()
    // Around the size of the chunks that engines may cut an operation into.
    for length in [256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, 3 * 256 * 1024 + 4097] {
        let (source, destination) = (GuardedMemory(length, offset: 1, seed: 3), GuardedMemory(length, offset: 2))
        try channel.copy(from: source.address, to: destination.address, length: UInt32(length), flags: .submit)
        #expect(try channel.statuses(1) == [.successful])
        destination.expect(source.bytes)
    }
}

private func copiesOverlapping(_ bench: ConformanceBench) throws {
    let channel = try bench.channel()
    for (length, distance) in [(64, 1), (1000, 64), (4096, 4095), (1 << 20, 8), (1 << 20, 300_000), (700_000, 262_144)]
    {
        for (from, to) in [(0, distance), (distance, 0)] {
            let memory = GuardedMemory(length + distance, offset: 7, seed: 4)
            var expected = memory.bytes
            expected.replaceSubrange(to..<to + length, with: memory.bytes(in: from..<from + length))
            try channel.copy(
                from: memory.address + UInt64(from), to: memory.address + UInt64(to), length: UInt32(length),
                flags: .submit)
            #expect(try channel.statuses(1) == [.successful])
            memory.expect(expected, "\(length) bytes from \(from) to \(to)")
        }
    }
}

private func copiesInPlace(_ bench: ConformanceBench) throws {
    let (channel, memory) = (try bench.channel(), GuardedMemory(500, seed: 5))
    let before = memory.bytes
    try channel.copy(from: memory.address, to: memory.address, length: 500, flags: .submit)
    #expect(try channel.statuses(1) == [.successful])
    memory.expect(before)
}

/// Batches split over doorbells, completions split over polls, both completion calls.
private func copiesBursts(_ bench: ConformanceBench) throws {
    let (channel, count) = (try bench.channel(), bench.burst(upTo: 32))
    let slab = Slab(slots: count, kinds: [.copy], size: 1024)
    var ended = 0
    for batches in [1, 2, 5] {
        for polls in [1, 2, 5] {
            for withStatus in [false, true] {
                slab.reset()
                for slot in 0..<count {
                    #expect(try slab.enqueue(slot, on: channel) == RingIndex(truncatingIfNeeded: ended + slot))
                    if (slot + 1) * batches % count < batches { try channel.submit() }
                }
                try channel.submit()
                var left = count
                while left > 0 {
                    let wanted = min(left, (count + polls - 1) / polls)
                    if withStatus {
                        #expect(try channel.statuses(wanted).allSatisfy { $0 == .successful })
                    } else {
                        try channel.successes(wanted)
                    }
                    left -= wanted
                }
                ended += count
                let after = try channel.completed(upTo: .max)
                #expect(after.count == 0)
                #expect(!after.hasError)
                #expect(after.lastIndex == RingIndex(truncatingIfNeeded: ended - 1))
                slab.expectWritten { _ in true }
            }
        }
    }
}

private func copiesAnywhere(_ bench: ConformanceBench) throws {
    let channel = try bench.channel()
    let heap = GuardedMemory(24, seed: 6)
    let mapped = try MappedMemory(pages: 1)
    try withUnsafeTemporaryAllocation(byteCount: 24, alignment: 8) { stack in
        // Heap to stack, stack to a mapping, and the constants of the program to the heap.
        let stackAddress = UInt64(UInt(bitPattern: stack.baseAddress))
        try channel.copy(from: heap.address, to: stackAddress, length: 24, flags: .submit)
        #expect(try channel.statuses(1) == [.successful])
        #expect(stack.elementsEqual(heap.bytes))
        try channel.copy(from: stackAddress, to: mapped.address + 4072, length: 24, flags: .submit)
        #expect(try channel.statuses(1) == [.successful])
        #expect(mapped.bytes(in: 4072..<4096) == heap.bytes)
    }
    let constant: StaticString = "constants of the program"
    try channel.copy(
        from: UInt64(UInt(bitPattern: constant.utf8Start)), to: heap.address, length: 24, flags: .submit)
    #expect(try channel.statuses(1) == [.successful])
    heap.expect(Array("constants of the program".utf8))
}

private func refusesEmptyCopies(_ bench: ConformanceBench) throws {
    let (channel, memory) = (try bench.channel(), GuardedMemory(8))
    expectRefusal(.zeroLength, .invalidArgument) {
        try channel.copy(from: memory.address, to: memory.address, length: 0, flags: .submit)
    }
    #expect(try channel.burstCapacity == Int(bench.descriptorCount))
    #expect(try channel.completed(upTo: 1).count == 0)
}
