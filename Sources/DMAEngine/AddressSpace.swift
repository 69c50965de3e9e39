internal import Glibc

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
