public import DMADev
internal import LinuxSystem
internal import SystemPackage

/// The memory that a device reaches by IOVA: all of a device without SVA, attached buffers of any device.
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
        var rights = Rights.both
        /// Only ``removeAttached(_:within:)`` removes it.
        var isAttached = false
    }

    /// The operations that may use a range.
    struct Rights {
        let bits: UInt8

        static let read = Rights(bits: 1)
        static let write = Rights(bits: 2)
        static let both = Rights(bits: 3)

        init(bits: UInt8) {
            self.bits = bits
        }

        init(_ direction: MappingDirection) {
            bits = (direction.allowsReading ? 1 : 0) | (direction.allowsWriting ? 2 : 0)
        }

        @inline(__always)
        func contains(_ other: Rights) -> Bool { bits & other.bits == other.bits }
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
    /// Tables whose quiescent point a call has not waited for to the end.
    private let pending = Locked<[Retired]>([])

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
    /// - Returns: the earlier table; `nil` when the range overlaps another one, and was not added.
    public func add(iova: UInt64, byteCount: UInt64, address: UInt64) -> Retired? {
        ranges.withLock { ranges in
            guard Self.insert(Range(iova: iova, byteCount: byteCount, address: address), into: &ranges) else {
                return nil
            }
            return publish(ranges)
        }
    }

    /// - Returns: `false` when it overlaps another range.
    private static func insert(_ range: Range, into ranges: inout [Range]) -> Bool {
        let place = ranges.firstIndex { $0.iova > range.iova } ?? ranges.endIndex
        if place > 0, range.iova - ranges[place - 1].iova < ranges[place - 1].byteCount { return false }
        if place < ranges.endIndex, ranges[place].iova - range.iova < range.byteCount { return false }
        ranges.insert(range, at: place)
        return true
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
            guard let place = ranges.firstIndex(where: { $0.iova == iova && !$0.isAttached }) else { return nil }
            ranges.remove(at: place)
            return publish(ranges)
        }
    }

    // MARK: Attached buffers

    /// Adds the ranges of an attachment, all or none, at addresses that it chooses.
    ///
    /// - Returns: an IOVA for each range.
    /// - Throws: `EEXIST` when a chosen address was mapped by ``insert(_:byteCount:iova:)``, `ENOSPC` when no addresses
    ///   are left.
    public func insertAttached(_ memory: [MemoryRange], _ direction: MappingDirection) throws(DMAError) -> [UInt64] {
        var added: [Range] = []
        for range in memory {
            added.append(
                Range(
                    iova: try chooseIOVA(range.address, range.byteCount), byteCount: range.byteCount,
                    address: range.address, rights: Rights(direction), isAttached: true))
        }
        let old: Retired? = ranges.withLock { [added] ranges in
            var new = ranges
            guard added.allSatisfy({ Self.insert($0, into: &new) }) else { return nil }
            ranges = new
            return publish(new)
        }
        guard let old else {
            throw DMAError(
                .exists, .fileExists, "memory is mapped at an IOVA from 0x\(String(added[0].iova, radix: 16)) on")
        }
        engine.passQuiescentPoint()
        withExtendedLifetime(old) {}
        return added.map(\.iova)
    }

    /// Removes ranges of attachments. The engine's next lookups do not find them; when this returns without an error, it
    /// no longer accesses their memory. Ranges that an earlier call has removed are skipped, but waited for again.
    ///
    /// - Parameters:
    ///   - iovas: of ``insertAttached(_:_:)``.
    ///   - timeout: the longest time to wait for the engine; `nil`: no limit.
    /// - Throws: `ETIMEDOUT`.
    public func removeAttached(_ iovas: [UInt64], within timeout: Duration?) throws(DMAError) {
        let removed = Set(iovas)
        ranges.withLock { ranges in
            let count = ranges.count
            ranges.removeAll { $0.isAttached && removed.contains($0.iova) }
            guard ranges.count < count else { return }
            let old = publish(ranges)
            pending.withLock { $0.append(old) }
        }
        // Before the point is requested: what is pending now is free when the engine has passed it.
        let retired = pending.withLock { pending in
            defer { pending = [] }
            return pending
        }
        let point = engine.requestQuiescentPoint()
        if let timeout {
            guard engine.waitFor(point, within: timeout) else {
                pending.withLock { $0 += retired }
                throw DMAError(
                    .timedOut, .timedOut, "engine \(engine.id) did not end the accesses of its operation in \(timeout)")
            }
        } else {
            engine.waitFor(point)
        }
        withExtendedLifetime(retired) {}
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

    /// The virtual address of an IOVA and the number of contiguous bytes from there; for the engine's thread.
    ///
    /// - Returns: `nil` for an address that is not mapped with these rights.
    func resolve(_ iova: UInt64, _ rights: Rights) -> (address: UInt64, byteCount: UInt64)? {
        let table = table.pointee
        // The last range that starts at or before it.
        var (low, high) = (0, table.count)
        while low < high {
            let middle = (low + high) / 2
            if table.ranges[middle].iova <= iova { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return nil }
        let range = table.ranges[low - 1]
        let offset = iova - range.iova
        return offset < range.byteCount && range.rights.contains(rights)
            ? (range.address &+ offset, range.byteCount - offset) : nil
    }

    private static func table(_ ranges: [Range]) -> UnsafeMutablePointer<Table> {
        let copy = UnsafeMutablePointer<Range>.allocate(capacity: max(ranges.count, 1))
        copy.initialize(from: ranges, count: ranges.count)
        let table = UnsafeMutablePointer<Table>.allocate(capacity: 1)
        table.initialize(to: Table(count: ranges.count, ranges: copy))
        return table
    }
}
