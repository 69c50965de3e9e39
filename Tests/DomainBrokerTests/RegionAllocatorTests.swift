import TestSupport
import Testing

@testable import DomainBroker

@Suite struct RegionAllocatorTests {
    @Test func `ranges are whole pages, never overlap and never include the first page`() throws {
        var random = SeededGenerator(for: "allocations")
        var allocator = RegionAllocator(byteCount: 100 * 4096 + 5)
        var owned: [UInt64: (pages: UInt64, owner: UInt32)] = [:]
        var used = [Bool](repeating: false, count: 100)
        used[0] = true
        for _ in 0..<20_000 {
            if Bool.random(using: &random) {
                let byteCount = UInt64.random(in: 1...20 * 4096, using: &random)
                let pages = (byteCount + 4095) / 4096
                let owner = UInt32.random(in: 1...3, using: &random)
                guard let offset = try? allocator.allocate(byteCount: byteCount, for: owner) else {
                    let longest = used.split(separator: true).map(\.count).max() ?? 0
                    #expect(longest < pages)
                    continue
                }
                let first = Int(offset / 4096)
                try #require(offset % 4096 == 0 && first + Int(pages) <= 100)
                #expect(!used[first..<first + Int(pages)].contains(true))
                // The first that is long enough.
                #expect(used[..<first].split(separator: true).allSatisfy { $0.count < pages })
                for page in first..<first + Int(pages) { used[page] = true }
                owned[offset] = (pages, owner)
            } else if let (offset, range) = owned.randomElement(using: &random) {
                let isFreed =
                    allocator.free(offset, of: range.owner % 3 + 1) || allocator.free(offset + 1, of: range.owner)
                #expect(!isFreed)
                if Int.random(in: 0..<20, using: &random) == 0 {
                    allocator.freeAll(of: range.owner)
                    for (start, other) in owned where other.owner == range.owner {
                        for page in start / 4096..<start / 4096 + other.pages { used[Int(page)] = false }
                        owned[start] = nil
                    }
                } else {
                    let isFreed = allocator.free(offset, of: range.owner)
                    #expect(isFreed)
                    for page in offset / 4096..<offset / 4096 + range.pages { used[Int(page)] = false }
                    owned[offset] = nil
                }
            }
            #expect(allocator.allocatedByteCount == owned.values.reduce(0) { $0 + $1.pages } * 4096)
        }
    }

    @Test(arguments: [0, 99 * 4096 + 1, 1 << 40, .max, .max - 4095] as [UInt64]) func `impossible lengths are refused`(
        byteCount: UInt64
    ) throws {
        var allocator = RegionAllocator(byteCount: 100 * 4096)
        #expect(throws: RegionAllocator.Refusal.noSpace) { try allocator.allocate(byteCount: byteCount, for: 1) }
        let all = try allocator.allocate(byteCount: 99 * 4096, for: 1)
        #expect(all == 4096)
    }

    @Test func `an owner has a bounded number of ranges`() throws {
        var allocator = RegionAllocator(byteCount: 1 << 40)
        for _ in 0..<RegionAllocator.maximumRangesPerOwner { _ = try allocator.allocate(byteCount: 1, for: 1) }
        #expect(throws: RegionAllocator.Refusal.tooManyRanges) { try allocator.allocate(byteCount: 1, for: 1) }
        _ = try allocator.allocate(byteCount: 1, for: 2)
    }
}
