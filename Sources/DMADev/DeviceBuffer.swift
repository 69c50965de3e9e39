internal import CDMATrace
internal import Glibc
internal import Synchronization
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
    /// The device that has mapped it last, and the IOVA there.
    private let mapper = Atomic<UInt64>(0)
    private let iova = Atomic<UInt64>(0)

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

    /// The virtual address: what operations of a device with SVA use.
    public var address: UInt64 { UInt64(UInt(bitPattern: bytes.baseAddress)) }

    /// The number of bytes.
    public var byteCount: Int { bytes.count }

    /// The address for operations of a device: with SVA ``address``, else the IOVA of ``DMADevice/map(_:)``; `nil` when the
    /// device has not mapped the buffer, or another one has mapped it since.
    public func address(on device: DMADevice) -> UInt64? {
        if device.properties.capabilities.contains(.sva) { return address }
        return mapper.load(ordering: .acquiring) == device.serial ? iova.load(ordering: .relaxed) : nil
    }

    fileprivate func setMapping(by device: DMADevice, _ address: UInt64?) {
        mapper.store(0, ordering: .relaxed)
        guard let address else { return }
        iova.store(address, ordering: .releasing)
        mapper.store(device.serial, ordering: .releasing)
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

    /// Maps a buffer for the device, unless it has SVA, so that it can be passed to ``VirtualChannel``'s calls. A buffer
    /// remembers one device, the last; for others, map its memory.
    ///
    /// - Throws: as ``mapMemory(_:iova:)-(UnsafeMutableRawBufferPointer,_)``; `EEXIST` when the device has mapped it.
    public func map(_ buffer: DeviceBuffer) throws(DMAError) {
        buffer.setMapping(by: self, try mapMemory(buffer.bytes))
    }

    /// Ends ``map(_:)``. When it returns, the device no longer accesses the buffer.
    ///
    /// - Throws: `EINVAL` when the device has not mapped it.
    public func unmap(_ buffer: DeviceBuffer) throws(DMAError) {
        guard let iova = buffer.address(on: self) else {
            throw .invalid("device \(id) has not mapped the buffer")
        }
        try unmapMemory(iova: iova)
        buffer.setMapping(by: self, nil)
    }
}
