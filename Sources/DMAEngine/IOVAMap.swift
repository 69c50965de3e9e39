public import DMADev
internal import LinuxSystem
internal import SystemPackage

/// The memory that a device reaches by IOVA: all of a device without SVA, attached buffers of any device.
///
/// Control threads change it, one at a time; the engine looks up without a lock. When ``remove(at:)-(UInt64)`` has returned, or
/// after ``take(at:)`` and a quiescent point, the engine no longer accesses that memory.
public final class IOVAMap: Sendable {
    /// Memory of the process at consecutive IOVAs.
    public struct Range: Sendable, BitwiseCopyable {
        var iova: UInt64
        var byteCount: UInt64
        var address: UInt64
        var rights = Rights.both
        /// Only ``removeAttached(_:within:)`` removes it.
        var isAttached = false
        /// How it is accessed; `nil`: at any time.
        var synchronized: Unmanaged<SynchronizedMemory>?

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

    /// The operations that may use a range.
    struct Rights: BitwiseCopyable {
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

    private let engine: Engine
    private let ranges = Locked<[Range]>([])
    private let table = EngineTable<Range>()
    /// The next IOVA to choose: above every virtual address of a process.
    private let nextIOVA = Locked<UInt64>(1 << 57)
    /// Tables whose quiescent point a call has not waited for to the end.
    private let pending = Locked<[RetiredTable]>([])

    /// An empty map for devices of one engine.
    public init(engine: Engine) {
        self.engine = engine
    }

    deinit {
        table.deallocate()
    }

    /// Adds a range; the engine's next lookup finds it.
    ///
    /// - Parameters:
    ///   - iova: its first address for the device.
    ///   - byteCount: 1 at least.
    ///   - address: of the process.
    ///   - synchronized: how it is accessed; kept alive by the caller until the range was removed and the engine has
    ///     passed a quiescent point. `nil`: at any time.
    /// - Returns: the earlier table; `nil` when the range overlaps another one, and was not added.
    public func add(
        iova: UInt64, byteCount: UInt64, address: UInt64, synchronized: SynchronizedMemory? = nil
    ) -> RetiredTable? {
        ranges.withLock { ranges in
            var range = Range(iova: iova, byteCount: byteCount, address: address)
            range.synchronized = synchronized.map { .passUnretained($0) }
            guard Self.insert(range, into: &ranges) else { return nil }
            return table.replace(with: ranges)
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
            let kept = ranges.filter { $0.isAttached || !iovas.contains($0.iova) }
            guard kept.count < ranges.count else { return nil }
            ranges = kept
            return table.replace(with: kept)
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
        for part in memory {
            var range = Range(
                iova: try chooseIOVA(part.address, part.byteCount), byteCount: part.byteCount, address: part.address)
            range.rights = Rights(direction)
            range.isAttached = true
            added.append(range)
        }
        let old: RetiredTable? = ranges.withLock { [added] ranges in
            var new = ranges
            guard added.allSatisfy({ Self.insert($0, into: &new) }) else { return nil }
            ranges = new
            return table.replace(with: new)
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
            let old = table.replace(with: ranges)
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

    /// The range that contains an IOVA; `nil` for an address that is not mapped with these rights, and while the memory
    /// must not be accessed. For the engine's thread, until its next quiescent point.
    @inline(__always)
    func range(
        at iova: UInt64, _ rights: Rights, _ opened: Synchronizer.Opened = Synchronizer.Opened()
    ) -> ContiguousRange? {
        guard let range = range(at: iova), range.rights.contains(rights) else { return nil }
        if let memory = range.synchronized, !opened.contains(memory) { return nil }
        return ContiguousRange(start: range.iova, byteCount: range.byteCount, address: range.address)
    }

    func synchronizedMemory(at iova: UInt64) -> Unmanaged<SynchronizedMemory>? { range(at: iova)?.synchronized }

    @inline(__always)
    private func range(at iova: UInt64) -> Range? {
        let table = table.contents
        // The last range that starts at or before it.
        var (low, high) = (0, table.count)
        while low < high {
            let middle = (low + high) / 2
            if table.elements[middle].iova <= iova { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return nil }
        let range = table.elements[low - 1]
        return iova - range.iova < range.byteCount ? range : nil
    }
}
