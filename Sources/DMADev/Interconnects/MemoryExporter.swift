internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// A buffer of this process as an exporter.
public final class MemoryExporter: SystemMemoryExporter {
    /// Shown in traces and telemetry.
    public let name: String
    /// The virtual address.
    public let address: UInt64
    /// Length in bytes.
    public let byteCount: UInt64
    /// The inode of the file in memory; 0 for memory of the caller.
    public let inode: UInt64
    /// Keeps the memory mapped.
    private let owner: any Sendable

    /// Exports memory of the caller.
    ///
    /// - Parameters:
    ///   - name: shown in traces and telemetry.
    ///   - memory: 1 byte at least.
    ///   - owner: kept with the exporter; the memory must be valid as long as it exists.
    public init(name: String, _ memory: UnsafeMutableRawBufferPointer, owner: any Sendable) {
        self.name = name
        address = UInt64(UInt(bitPattern: memory.baseAddress))
        byteCount = UInt64(memory.count)
        inode = 0
        self.owner = owner
    }

    /// Makes a file in memory, zeroed and sealed against shrinking, and exports all of it.
    ///
    /// - Parameters:
    ///   - name: also the name of the file, of which `/proc` shows up to 249 bytes.
    ///   - byteCount: 1 at least.
    /// - Throws: `EINVAL` for less than 1 byte, `ENOMEM`, `EMFILE`.
    public init(name: String, byteCount: Int) throws(DMAError) {
        guard byteCount > 0 else { throw .invalid("a buffer of \(byteCount) bytes: the minimum is 1") }
        do throws(Errno) {
            let file = try MemoryFile.make(name: String(name.prefix(60)), byteCount: byteCount)
            try MemoryFile.add(.shrink, to: file.raw)
            let mapping = try SharedMapping(of: file.raw, byteCount: byteCount, isWritable: true)
            var status = stat()
            _ = fstat(file.raw, &status)
            inode = UInt64(status.st_ino)
            address = UInt64(UInt(bitPattern: mapping.bytes.baseAddress))
            owner = mapping
        } catch {
            throw DMAError(.exhausted, error, "no memory for a buffer of \(byteCount) bytes: \(error)")
        }
        self.name = name
        self.byteCount = UInt64(byteCount)
    }

    /// The buffer, valid as long as the exporter exists; its users synchronize their accesses.
    public var memory: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(
            start: UnsafeMutableRawPointer(bitPattern: UInt(address)), count: Int(byteCount))
    }
}
