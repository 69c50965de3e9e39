internal import Glibc
internal import LinuxSystem

/// Where the addresses of one side of a ring lie.
public enum AddressSpace: Sendable {
    /// The process's own memory (SVA).
    case process
    /// A device's memory, by offset.
    case device(DeviceMemory)
    /// Memory that was mapped for the device, by IOVA.
    case mapped(IOVAMap)
}

/// The memory of a device behind a port: what mem2dev, dev2mem and dev2dev operations reach, by offset from 0.
public final class DeviceMemory: @unchecked Sendable {
    // The memory is the device's: who reads it while operations write it sees what a driver would.
    /// The memory, for those who play the device.
    public let bytes: UnsafeMutableRawBufferPointer

    /// Zeroed memory.
    ///
    /// - Parameter byteCount: 1 to whatever the system gives.
    /// - Returns: `nil` when there is no memory for it.
    public init?(byteCount: Int) {
        guard byteCount > 0,
            let base = mmap(
                nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0),
            base != MAP_FAILED
        else { return nil }
        bytes = UnsafeMutableRawBufferPointer(start: base, count: byteCount)
    }

    deinit {
        munmap(bytes.baseAddress, bytes.count)
    }
}

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

/// An address space as the engine's loop uses it: no reference counts.
struct AddressTranslation {
    private enum Kind {
        case process
        case device(base: UInt64, byteCount: UInt64)
        case mapped(Unmanaged<IOVAMap>)
        case domain(Unmanaged<DomainMap>, handler: UInt16, isWrite: Bool)
    }

    private let kind: Kind

    /// The windows of a member, as a source or a destination.
    ///
    /// - Parameter map: kept alive by the ring.
    init(_ map: Unmanaged<DomainMap>, _ handler: UInt16, isWrite: Bool) {
        kind = .domain(map, handler: handler, isWrite: isWrite)
    }

    /// - Parameter space: kept alive by the ring.
    init(_ space: AddressSpace) {
        switch space {
        case .process: kind = .process
        case .device(let memory):
            kind = .device(
                base: UInt64(UInt(bitPattern: memory.bytes.baseAddress)), byteCount: UInt64(memory.bytes.count))
        case .mapped(let map): kind = .mapped(.passUnretained(map))
        }
    }

    /// Addresses are the process's own.
    var isProcess: Bool {
        if case .process = kind { true } else { false }
    }

    /// Whether a whole range can lie in this space at all: what is refused here moves not one byte.
    @inline(__always)
    func admits(_ address: UInt64, _ length: UInt64) -> Bool {
        switch kind {
        case .process: AddressRange.isUsable(address, length)
        case .device(_, let byteCount): length <= byteCount && address <= byteCount - length
        case .mapped, .domain: !address.addingReportingOverflow(length).overflow
        }
    }

    /// The process's address for one of this space, and how many bytes of `length` can be reached from there in one go.
    @inline(__always)
    func resolve(_ address: UInt64, _ length: UInt64) -> (address: UInt64, byteCount: UInt64)? {
        switch kind {
        case .process: return (address, length)
        case .device(let base, _): return (base &+ address, length)
        case .mapped(let map):
            guard let range = map._withUnsafeGuaranteedRef({ $0.resolve(address) }) else { return nil }
            return (range.address, min(length, range.byteCount))
        case .domain(let map, let handler, let isWrite):
            guard
                let range = map._withUnsafeGuaranteedRef({ $0.resolve(address, of: handler, isWrite: isWrite) })
            else { return nil }
            return (range.address, min(length, range.byteCount))
        }
    }
}

/// Which addresses a process can have at all.
enum AddressRange {
    /// Whether a range does not wrap and lies below the kernel's half: what lies above is refused before it is touched,
    /// because the processor does not say which operand of a copy was not canonical.
    @inline(__always)
    static func isUsable(_ address: UInt64, _ length: UInt64) -> Bool {
        let (end, overflow) = address.addingReportingOverflow(length)
        return !overflow && end <= userEnd
    }

    /// The end of user addresses with five-level page tables, the most a process can have on x86-64 and Arm.
    private static let userEnd: UInt64 = 1 << 56
}
