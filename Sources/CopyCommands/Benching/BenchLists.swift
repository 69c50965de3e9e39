import DMADev

/// The scatter-gather lists of all areas, built once: up to four entries per side, split at different offsets.
final class BenchLists {
    private let entries: UnsafeMutableBufferPointer<ScatterGatherEntry>
    private let entryCount: Int

    init(from source: BenchMemory, to destination: BenchMemory, areaCount: Int, size: Int, maximum: Int) {
        let entryCount = min(4, maximum, size)
        let piece = size / entryCount
        // The remainder is in the first entry of a source, and in the last of a destination.
        let last = size - piece * (entryCount - 1)
        let entries = UnsafeMutableBufferPointer<ScatterGatherEntry>.allocate(capacity: areaCount * entryCount * 2)
        var index = 0
        func add(_ start: UInt64, _ lengths: [Int]) {
            var address = start
            for length in lengths {
                entries.initializeElement(at: index, to: ScatterGatherEntry(address: address, length: UInt32(length)))
                address += UInt64(length)
                index += 1
            }
        }
        let pieces = [Int](repeating: piece, count: entryCount - 1)
        for area in 0..<areaCount {
            add(source.iova(area), [last] + pieces)
            add(destination.iova(area), pieces + [last])
        }
        self.entries = entries
        self.entryCount = entryCount
    }

    deinit {
        entries.deallocate()
    }

    @inline(__always)
    func sources(_ area: Int) -> UnsafeBufferPointer<ScatterGatherEntry> { list(area * 2) }

    @inline(__always)
    func destinations(_ area: Int) -> UnsafeBufferPointer<ScatterGatherEntry> { list(area * 2 + 1) }

    private func list(_ number: Int) -> UnsafeBufferPointer<ScatterGatherEntry> {
        UnsafeBufferPointer(rebasing: entries[number * entryCount..<(number + 1) * entryCount])
    }
}
