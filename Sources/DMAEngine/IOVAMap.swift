public import DMADev
internal import LinuxSystem
internal import SystemPackage

/// The memory that a device without SVA reaches: ranges of the process, mapped at IOVAs.
///
/// Control threads change it, one at a time; the engine looks up without a lock. When ``remove(at:)-(UInt64)`` has returned, or
/// after ``take(at:)`` and a quiescent point, the engine no longer accesses that memory.
public final class IOVAMap: Sendable {
    /// Memory of the process at consecutive IOVAs.
    public struct Range: Sendable, BitwiseCopyable {
        var iova: UInt64
        var byteCount: UInt64
        var address: UInt64

        /// - Parameters:
        ///   - iova: the first address for the device.
        ///   - byteCount: 1 at least; neither address range wraps.
        ///   - address: of the process.
        public init(iova: UInt64, byteCount: UInt64, address: UInt64) {
            self.iova = iova
            self.byteCount = byteCount
            self.address = address
        }
    }

    private let engine: Engine
    private let ranges = Locked<[Range]>([])
    private let table = EngineTable<Range>()
    /// The next IOVA to choose: above every virtual address of a process.
    private let nextIOVA = Locked<UInt64>(1 << 57)

    /// An empty map for devices of one engine.
    public init(engine: Engine) {
        self.engine = engine
    }

    deinit {
        table.deallocate()
    }

    /// Adds a range; the engine's next lookup finds it.
    ///
    /// - Returns: the earlier table; `nil` when the range overlaps another one, and was not added.
    public func add(iova: UInt64, byteCount: UInt64, address: UInt64) -> RetiredTable? {
        ranges.withLock { ranges in
            let place = ranges.firstIndex { $0.iova > iova } ?? ranges.endIndex
            if place > 0, iova - ranges[place - 1].iova < ranges[place - 1].byteCount { return nil }
            if place < ranges.endIndex, ranges[place].iova - iova < byteCount { return nil }
            ranges.insert(Range(iova: iova, byteCount: byteCount, address: address), at: place)
            return table.replace(with: ranges)
        }
    }

    /// Adds ranges, all or none.
    ///
    /// - Throws: `EEXIST` when one of them overlaps mapped memory or another of them.
    public func insert(_ added: [Range]) throws(DMAError) {
        let (old, overlap): (RetiredTable?, Range?) = ranges.withLock { ranges in
            let all = (ranges + added).sorted { $0.iova < $1.iova }
            for (lower, upper) in zip(all, all.dropFirst()) where upper.iova - lower.iova < lower.byteCount {
                return (nil, upper)
            }
            ranges = all
            return (table.replace(with: all), nil)
        }
        if let overlap { throw Self.exists(overlap.iova, overlap.byteCount) }
        guard let old else { return }
        engine.passQuiescentPoint()
        withExtendedLifetime(old) {}
    }

    /// Adds memory of the process.
    ///
    /// - Parameter iova: its address for the device; `nil`: the next free pages are chosen, with one unused page
    ///   between ranges.
    /// - Parameter byteCount: 1 at least.
    /// - Parameter address: of the process.
    /// - Returns: the IOVA.
    /// - Throws: `EEXIST` when it overlaps mapped memory, `ENOSPC` when no addresses are left.
    public func insert(_ address: UInt64, byteCount: UInt64, iova: UInt64?) throws(DMAError) -> UInt64 {
        let chosen = if let iova { iova } else { try chooseIOVA(address, byteCount) }
        guard let old = add(iova: chosen, byteCount: byteCount, address: address) else {
            throw Self.exists(chosen, byteCount)
        }
        engine.passQuiescentPoint()
        withExtendedLifetime(old) {}
        return chosen
    }

    private static func exists(_ iova: UInt64, _ byteCount: UInt64) -> DMAError {
        DMAError(
            .exists, .fileExists,
            "IOVA 0x\(String(iova, radix: 16)) and \(byteCount) bytes: memory is mapped there already")
    }

    private func chooseIOVA(_ address: UInt64, _ byteCount: UInt64) throws(DMAError) -> UInt64 {
        try nextIOVA.withLock { next throws(DMAError) in
            let chosen = next + address % 4096
            let (end, isBeyond) = chosen.addingReportingOverflow(byteCount)
            // The last two pages of the address range are not used, so rounding up cannot overflow.
            guard !isBeyond, end < .max - 2 * 4096 else {
                throw DMAError(
                    .exhausted, .noSpace,
                    "\(byteCount) bytes: no free IOVA range is left; pass a free iova")
            }
            next = (end + 2 * 4096 - 1) & ~4095
            return chosen
        }
    }

    /// Removes a range.
    ///
    /// - Returns: whether a range starts there.
    public func remove(at iova: UInt64) -> Bool { remove(at: [iova]) }

    /// Removes the ranges that start at these addresses.
    ///
    /// - Returns: whether there were any.
    public func remove(at iovas: Set<UInt64>) -> Bool {
        guard let old = take(iovas) else { return false }
        engine.passQuiescentPoint()
        withExtendedLifetime(old) {}
        return true
    }

    /// Removes a range; after the next quiescent point, the engine no longer accesses its memory.
    ///
    /// - Returns: the earlier table; `nil` when no range starts there.
    public func take(at iova: UInt64) -> RetiredTable? { take([iova]) }

    private func take(_ iovas: Set<UInt64>) -> RetiredTable? {
        ranges.withLock { ranges in
            let kept = ranges.filter { !iovas.contains($0.iova) }
            guard kept.count < ranges.count else { return nil }
            ranges = kept
            return table.replace(with: kept)
        }
    }

    /// The virtual address of an IOVA and the number of contiguous bytes from there; for the engine's thread.
    func resolve(_ iova: UInt64) -> (address: UInt64, byteCount: UInt64)? {
        let table = table.contents
        // The last range that starts at or before it.
        var (low, high) = (0, table.count)
        while low < high {
            let middle = (low + high) / 2
            if table.elements[middle].iova <= iova { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return nil }
        let range = table.elements[low - 1]
        let offset = iova - range.iova
        return offset < range.byteCount ? (range.address &+ offset, range.byteCount - offset) : nil
    }
}
