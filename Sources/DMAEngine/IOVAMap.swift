public import DMADev
internal import LinuxSystem
internal import SystemPackage

/// What a device without SVA reaches: ranges of the process's memory under addresses of the device.
///
/// Changes are for control threads, one at a time; the engine looks up without a lock. When ``remove(at:)`` has
/// returned, the engine touches that memory no more.
public final class IOVAMap: @unchecked Sendable {
    // `published` is atomic; a table that was published never changes, and goes only after the engine has passed a
    // quiescent point.
    struct Range {
        var iova: UInt64
        var byteCount: UInt64
        var address: UInt64
    }

    struct Table {
        var count: Int
        var ranges: UnsafeMutablePointer<Range>
    }

    private let engine: Engine
    private let ranges = Locked<[Range]>([])
    private let published: UnsafeMutablePointer<UInt64>
    /// The next one to choose: beyond every address that a process can have.
    private let nextIOVA = Locked<UInt64>(1 << 57)

    /// An empty map for devices of one engine.
    public init(engine: Engine) {
        self.engine = engine
        published = .allocate(capacity: 1)
        published.initialize(to: UInt64(UInt(bitPattern: Self.table([]))))
    }

    deinit {
        Self.free(table)
        published.deallocate()
    }

    /// Adds a range.
    ///
    /// - Returns: whether it was added: it must not meet another range's addresses.
    public func insert(iova: UInt64, byteCount: UInt64, address: UInt64) -> Bool {
        ranges.withLock { ranges in
            let place = ranges.firstIndex { $0.iova > iova } ?? ranges.endIndex
            if place > 0, iova - ranges[place - 1].iova < ranges[place - 1].byteCount { return false }
            if place < ranges.endIndex, ranges[place].iova - iova < byteCount { return false }
            ranges.insert(Range(iova: iova, byteCount: byteCount, address: address), at: place)
            publish(ranges)
            return true
        }
    }

    /// Adds memory of the process.
    ///
    /// - Parameter iova: its address for the device; `nil`: addresses are chosen one after the other, by pages, with one
    ///   left out between.
    /// - Returns: that address.
    /// - Throws: `EEXIST` when it meets memory that is mapped, `ENOSPC` when no addresses are left.
    public func insert(_ address: UInt64, byteCount: UInt64, iova: UInt64?) throws(DMAError) -> UInt64 {
        let chosen = if let iova { iova } else { try chooseIOVA(address, byteCount) }
        guard insert(iova: chosen, byteCount: byteCount, address: address) else {
            throw DMAError(
                .exists, .fileExists,
                "IOVA 0x\(String(chosen, radix: 16)) and \(byteCount) bytes: memory is mapped there already")
        }
        return chosen
    }

    private func chooseIOVA(_ address: UInt64, _ byteCount: UInt64) throws(DMAError) -> UInt64 {
        try nextIOVA.withLock { next throws(DMAError) in
            let chosen = next + address % 4096
            let (end, isBeyond) = chosen.addingReportingOverflow(byteCount)
            // Two pages are kept from the end of all addresses: rounding up does not pass it.
            guard !isBeyond, end < .max - 2 * 4096 else {
                throw DMAError(
                    .exhausted, .noSpace,
                    "\(byteCount) bytes: so many IOVAs in a row are not left; ask for one that is free")
            }
            next = (end + 2 * 4096 - 1) & ~4095
            return chosen
        }
    }

    /// Takes a range away.
    ///
    /// - Returns: whether there was one that begins there.
    public func remove(at iova: UInt64) -> Bool {
        ranges.withLock { ranges in
            guard let place = ranges.firstIndex(where: { $0.iova == iova }) else { return false }
            ranges.remove(at: place)
            publish(ranges)
            return true
        }
    }

    private func publish(_ ranges: [Range]) {
        let old = table
        published.storeReleasing(UInt64(UInt(bitPattern: Self.table(ranges))))
        engine.passQuiescentPoint()
        Self.free(old)
    }

    private var table: UnsafeMutablePointer<Table> {
        // It always holds the address of a table: `init` puts the first there.
        UnsafeMutablePointer(bitPattern: UInt(published.loadAcquiring())).unsafelyUnwrapped
    }

    /// The address of an IOVA and how many bytes go on from there; for the engine's thread.
    func resolve(_ iova: UInt64) -> (address: UInt64, byteCount: UInt64)? {
        let table = table.pointee
        // The last range that begins at or before it.
        var (low, high) = (0, table.count)
        while low < high {
            let middle = (low + high) / 2
            if table.ranges[middle].iova <= iova { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return nil }
        let range = table.ranges[low - 1]
        let offset = iova - range.iova
        return offset < range.byteCount ? (range.address &+ offset, range.byteCount - offset) : nil
    }

    private static func table(_ ranges: [Range]) -> UnsafeMutablePointer<Table> {
        let copy = UnsafeMutablePointer<Range>.allocate(capacity: max(ranges.count, 1))
        copy.initialize(from: ranges, count: ranges.count)
        let table = UnsafeMutablePointer<Table>.allocate(capacity: 1)
        table.initialize(to: Table(count: ranges.count, ranges: copy))
        return table
    }

    private static func free(_ table: UnsafeMutablePointer<Table>) {
        table.pointee.ranges.deallocate()
        table.deallocate()
    }
}
