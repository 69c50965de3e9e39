public import DMADev
internal import LinuxSystem
internal import SystemPackage

/// The memory that a device without SVA reaches: ranges of the process, mapped at IOVAs.
///
/// Control threads change it, one at a time; the engine looks up without a lock. When ``remove(at:)`` has returned, or
/// after ``take(at:)`` and a quiescent point, the engine no longer accesses that memory.
public final class IOVAMap: @unchecked Sendable {
    // `published` is atomic; a published table never changes, and is freed only after the engine has passed a quiescent
    // point.
    struct Range {
        var iova: UInt64
        var byteCount: UInt64
        var address: UInt64
        /// How it is accessed; `nil`: at any time.
        var synchronized: Unmanaged<SynchronizedMemory>?
    }

    struct Table {
        var count: Int
        var ranges: UnsafeMutablePointer<Range>
    }

    /// A table that the engine may still use. Release it when the engine has passed a quiescent point.
    public final class Retired: @unchecked Sendable {
        // This object alone has the table, apart from the engine until its quiescent point.
        private let table: UnsafeMutablePointer<Table>

        fileprivate init(_ table: UnsafeMutablePointer<Table>) {
            self.table = table
        }

        deinit {
            table.pointee.ranges.deallocate()
            table.deallocate()
        }
    }

    private let engine: Engine
    private let ranges = Locked<[Range]>([])
    private let published: UnsafeMutablePointer<UInt64>
    /// The next IOVA to choose: above every virtual address of a process.
    private let nextIOVA = Locked<UInt64>(1 << 57)

    /// An empty map for devices of one engine.
    public init(engine: Engine) {
        self.engine = engine
        published = .allocate(capacity: 1)
        published.initialize(to: UInt64(UInt(bitPattern: Self.table([]))))
    }

    deinit {
        withExtendedLifetime(Retired(table)) {}
        published.deallocate()
    }

    /// Adds a range.
    ///
    /// - Returns: whether it was added; `false` when it overlaps another range.
    public func insert(iova: UInt64, byteCount: UInt64, address: UInt64) -> Bool {
        let old = add(iova: iova, byteCount: byteCount, address: address)
        if old != nil { engine.passQuiescentPoint() }
        return old != nil
    }

    /// Adds a range; the engine's next lookup finds it.
    ///
    /// - Parameter synchronized: how it is accessed; kept alive by the caller until the range was removed and the engine
    ///   has passed a quiescent point. `nil`: at any time.
    /// - Returns: the earlier table; `nil` when the range overlaps another one, and was not added.
    public func add(
        iova: UInt64, byteCount: UInt64, address: UInt64, synchronized: SynchronizedMemory? = nil
    ) -> Retired? {
        ranges.withLock { ranges in
            let place = ranges.firstIndex { $0.iova > iova } ?? ranges.endIndex
            if place > 0, iova - ranges[place - 1].iova < ranges[place - 1].byteCount { return nil }
            if place < ranges.endIndex, ranges[place].iova - iova < byteCount { return nil }
            ranges.insert(
                Range(
                    iova: iova, byteCount: byteCount, address: address,
                    synchronized: synchronized.map { .passUnretained($0) }), at: place)
            return publish(ranges)
        }
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
    public func remove(at iova: UInt64) -> Bool {
        let old = take(at: iova)
        if old != nil { engine.passQuiescentPoint() }
        return old != nil
    }

    /// Removes a range; after the next quiescent point, the engine no longer accesses its memory.
    ///
    /// - Returns: the earlier table; `nil` when no range starts there.
    public func take(at iova: UInt64) -> Retired? {
        ranges.withLock { ranges in
            guard let place = ranges.firstIndex(where: { $0.iova == iova }) else { return nil }
            ranges.remove(at: place)
            return publish(ranges)
        }
    }

    private func publish(_ ranges: [Range]) -> Retired {
        let old = table
        published.storeReleasing(UInt64(UInt(bitPattern: Self.table(ranges))))
        return Retired(old)
    }

    private var table: UnsafeMutablePointer<Table> {
        // It always holds the address of a table: `init` stores the first.
        UnsafeMutablePointer(bitPattern: UInt(published.loadAcquiring())).unsafelyUnwrapped
    }

    /// The virtual address of an IOVA and the number of contiguous bytes from there; `nil` also while the memory must not
    /// be accessed. For the engine's thread.
    @inline(__always)
    func resolve(
        _ iova: UInt64, _ opened: Synchronizer.Opened = Synchronizer.Opened()
    ) -> (address: UInt64, byteCount: UInt64)? {
        guard let range = range(at: iova) else { return nil }
        if let memory = range.synchronized, !opened.contains(memory) { return nil }
        let offset = iova - range.iova
        return (range.address &+ offset, range.byteCount - offset)
    }

    func synchronizedMemory(at iova: UInt64) -> Unmanaged<SynchronizedMemory>? { range(at: iova)?.synchronized }

    @inline(__always)
    private func range(at iova: UInt64) -> Range? {
        let table = table.pointee
        // The last range that starts at or before it.
        var (low, high) = (0, table.count)
        while low < high {
            let middle = (low + high) / 2
            if table.ranges[middle].iova <= iova { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return nil }
        let range = table.ranges[low - 1]
        return iova - range.iova < range.byteCount ? range : nil
    }

    private static func table(_ ranges: [Range]) -> UnsafeMutablePointer<Table> {
        let copy = UnsafeMutablePointer<Range>.allocate(capacity: max(ranges.count, 1))
        copy.initialize(from: ranges, count: ranges.count)
        let table = UnsafeMutablePointer<Table>.allocate(capacity: 1)
        table.initialize(to: Table(count: ranges.count, ranges: copy))
        return table
    }
}
