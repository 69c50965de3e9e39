internal import Glibc
internal import SystemPackage

/// Memory of this process that a device can be given: whole pages, zeroed, unmapped when the object goes.
///
/// Devices that another process moves bytes for reach no other memory; see ``DMADevice/makeBuffer(byteCount:)``. Any thread
/// may use it.
public final class DeviceBuffer: @unchecked Sendable {
    // Constant; what lies in the memory is for its users to agree on.
    /// The memory.
    public let bytes: UnsafeMutableRawBufferPointer
    private let release: @Sendable () -> Void

    /// A buffer of memory that there is.
    ///
    /// - Parameter release: called once, when nobody has the buffer any more.
    public init(_ bytes: UnsafeMutableRawBufferPointer, release: @escaping @Sendable () -> Void) {
        self.bytes = bytes
        self.release = release
    }

    /// A buffer of memory that only this process has.
    ///
    /// - Throws: `EINVAL` for less than 1 byte, `ENOMEM`.
    public convenience init(byteCount: Int) throws(DMAError) {
        guard byteCount > 0 else {
            throw DMAError(.invalidArgument, .invalidArgument, "a buffer of \(byteCount) bytes: it has 1 at least")
        }
        guard
            let base = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            base != MAP_FAILED
        else { throw DMAError(.exhausted, Errno(rawValue: errno), "there is no memory for \(byteCount) bytes") }
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
    /// Makes memory that ``mapMemory(_:iova:)`` takes of this device, whatever its driver; it is not mapped yet.
    ///
    /// - Throws: `EINVAL` for less than 1 byte, `ENOMEM`, and what the driver refuses.
    public func makeBuffer(byteCount: Int) throws(DMAError) -> DeviceBuffer {
        try driver.makeBuffer(byteCount: byteCount)
    }
}
