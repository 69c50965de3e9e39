internal import CDMATrace
internal import Glibc
internal import SystemPackage

/// Memory of this process that a device can map: whole pages, zeroed, unmapped when the object is deallocated.
///
/// Devices whose engine is in another process reach no other memory; see ``DMADevice/makeBuffer(byteCount:)``. Any
/// thread may use it.
public final class DeviceBuffer: @unchecked Sendable {
    // Constant; the users synchronize accesses to the memory.
    /// The memory.
    public let bytes: UnsafeMutableRawBufferPointer
    private let release: @Sendable () -> Void

    /// Wraps existing memory.
    ///
    /// - Parameter release: called once, when the object is deallocated.
    /// - Parameter bytes: whole pages.
    public init(_ bytes: UnsafeMutableRawBufferPointer, release: @escaping @Sendable () -> Void) {
        self.bytes = bytes
        self.release = release
    }

    /// Allocates private memory of this process.
    ///
    /// - Throws: `EINVAL` for less than 1 byte, `ENOMEM`.
    public convenience init(byteCount: Int) throws(DMAError) {
        guard byteCount > 0 else {
            throw DMAError(.invalidArgument, .invalidArgument, "a buffer of \(byteCount) bytes: the minimum is 1")
        }
        guard
            let base = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            base != MAP_FAILED
        else { throw DMAError(.exhausted, Errno(rawValue: errno), "not enough memory for \(byteCount) bytes") }
        let address = UInt(bitPattern: base)
        self.init(UnsafeMutableRawBufferPointer(start: base, count: byteCount)) {
            munmap(UnsafeMutableRawPointer(bitPattern: address), byteCount)
        }
    }

    deinit {
        release()
    }
}

extension DMADevice {
    /// Allocates memory that ``mapMemory(_:iova:)-(UnsafeMutableRawBufferPointer,_)`` of this device accepts, with any
    /// driver; it is not mapped yet.
    ///
    /// - Throws: `EINVAL` for less than 1 byte, `ENOMEM`, and errors of the driver.
    public func makeBuffer(byteCount: Int) throws(DMAError) -> DeviceBuffer {
        var address: UInt64 = 0
        return try traced("buffer_alloc") { ret in
            dmatrace_dmadev_buffer_alloc(id, UInt64(max(byteCount, 0)), address, ret)
        } _: { () throws(DMAError) in
            let buffer = try driver.makeBuffer(byteCount: byteCount)
            address = UInt64(UInt(bitPattern: buffer.bytes.baseAddress))
            return buffer
        }
    }
}
