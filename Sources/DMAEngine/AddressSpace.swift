internal import Glibc

/// The address space of one side of a ring.
public enum AddressSpace: Sendable {
    /// The process's memory (SVA).
    case process
    /// The process's memory (SVA), and attached buffers at IOVAs above it.
    case processAndAttached(IOVAMap)
    /// A device's memory, by offset.
    case device(DeviceMemory)
    /// Memory that was mapped for the device, by IOVA.
    case mapped(IOVAMap)
}

/// The memory of a device behind a port: what mem2dev, dev2mem and dev2dev operations reach, by offset from 0.
public final class DeviceMemory: @unchecked Sendable {
    // This is device memory: concurrent reads during operations have the same races as with hardware.
    /// The memory, for code that simulates the device.
    public let bytes: UnsafeMutableRawBufferPointer

    /// Allocates zeroed memory.
    ///
    /// - Parameter byteCount: from 1.
    /// - Returns: `nil` when memory is exhausted.
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

/// An address space for the engine's loop, without reference counts.
struct AddressTranslation {
    private enum Kind {
        case process
        case device(base: UInt64, byteCount: UInt64)
        case processAndAttached(Unmanaged<IOVAMap>, IOVAMap.Rights)
        case mapped(Unmanaged<IOVAMap>, IOVAMap.Rights)
        case domain(Unmanaged<DomainMap>, handler: UInt16, isWrite: Bool)
    }

    private let kind: Kind
    /// The synchronized memory that may be accessed now.
    var opened = Synchronizer.Opened()

    /// The windows of a member, as a source or a destination.
    ///
    /// - Parameter map: the ring keeps it alive.
    init(_ map: Unmanaged<DomainMap>, _ handler: UInt16, isWrite: Bool) {
        kind = .domain(map, handler: handler, isWrite: isWrite)
    }

    /// - Parameters:
    ///   - space: the ring keeps it alive.
    ///   - rights: what operations do with these addresses.
    init(_ space: AddressSpace, _ rights: IOVAMap.Rights = .both) {
        switch space {
        case .process: kind = .process
        case .processAndAttached(let map): kind = .processAndAttached(.passUnretained(map), rights)
        case .device(let memory):
            kind = .device(
                base: UInt64(UInt(bitPattern: memory.bytes.baseAddress)), byteCount: UInt64(memory.bytes.count))
        case .mapped(let map): kind = .mapped(.passUnretained(map), rights)
        }
    }

    /// Whether a range can be in this space: if not, no byte is moved.
    @inline(__always)
    func admits(_ address: UInt64, _ length: UInt64) -> Bool {
        switch kind {
        case .process: AddressRange.isUsable(address, length)
        case .processAndAttached:
            AddressRange.isUsable(address, length)
                || AddressRange.isBeyond(address) && !address.addingReportingOverflow(length).overflow
        case .device(_, let byteCount): length <= byteCount && address <= byteCount - length
        case .mapped, .domain: !address.addingReportingOverflow(length).overflow
        }
    }

    /// The virtual address for an address of this space, and how many of `length` bytes are contiguous from there.
    @inline(__always)
    func resolve(_ address: UInt64, _ length: UInt64) -> (address: UInt64, byteCount: UInt64)? {
        guard let range = range(at: address) else { return nil }
        let offset = address &- range.start
        return (range.address &+ offset, min(length, range.byteCount &- offset))
    }

    /// The range that contains an address; `nil` for none, and while it must not be accessed. Valid until the engine's
    /// next quiescent point.
    @inline(__always)
    func range(at address: UInt64) -> ContiguousRange? {
        switch kind {
        case .process: return AddressRange.isBeyond(address) ? nil : AddressRange.all
        case .device(let base, let byteCount):
            return address < byteCount ? ContiguousRange(start: 0, byteCount: byteCount, address: base) : nil
        case .processAndAttached(let map, let rights):
            guard AddressRange.isBeyond(address) else { return AddressRange.all }
            return map._withUnsafeGuaranteedRef { $0.range(at: address, rights) }
        case .mapped(let map, let rights): return map._withUnsafeGuaranteedRef { $0.range(at: address, rights, opened) }
        case .domain(let map, let handler, let isWrite):
            return map._withUnsafeGuaranteedRef { $0.range(at: address, of: handler, isWrite: isWrite, opened) }
        }
    }
}

extension AddressTranslation {
    /// The synchronized memory at an address, if its access must begin first.
    func unopenedMemory(at address: UInt64) -> SynchronizedMemory? {
        let found: Unmanaged<SynchronizedMemory>? =
            switch kind {
            case .process, .processAndAttached, .device: nil
            case .mapped(let map, _): map._withUnsafeGuaranteedRef { $0.synchronizedMemory(at: address) }
            case .domain(let map, let handler, let isWrite):
                map._withUnsafeGuaranteedRef { $0.synchronizedMemory(at: address, of: handler, isWrite: isWrite) }
            }
        guard let found, !opened.contains(found) else { return nil }
        return found.takeUnretainedValue()
    }
}

/// The range of valid addresses in a process.
enum AddressRange {
    /// Whether a range does not wrap and is below the kernel's half. Higher addresses are refused before an access,
    /// because the processor does not report which operand of a copy was not canonical.
    @inline(__always)
    static func isUsable(_ address: UInt64, _ length: UInt64) -> Bool {
        let (end, overflow) = address.addingReportingOverflow(length)
        return !overflow && end <= userEnd
    }

    /// Whether an address is above every virtual address.
    @inline(__always)
    static func isBeyond(_ address: UInt64) -> Bool { address >= userEnd }

    /// All virtual addresses.
    @inline(__always)
    static var all: ContiguousRange { ContiguousRange(start: 0, byteCount: userEnd, address: 0) }

    /// The end of user addresses with five-level page tables, the maximum on x86-64 and Arm.
    private static let userEnd: UInt64 = 1 << 56
}
