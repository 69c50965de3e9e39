import CommandSupport
import Glibc
import LinuxSystem
import SystemPackage

/// A shared mapping of a whole file.
///
/// Only a device may access the bytes. If the file was truncated after the mapping, a plain access raises SIGBUS; the
/// device reports a failed operation instead.
struct FileMapping: ~Copyable {
    /// The start address for a device; 0 for an empty file, which has no mapping.
    let address: UInt64
    private let length: Int

    init(_ path: String, _ descriptor: CInt, length: Int, writable: Bool) throws(Failure) {
        self.length = length
        guard length > 0 else {
            address = 0
            return
        }
        let protection = writable ? PROT_READ | PROT_WRITE : PROT_READ
        guard let start = mmap(nil, length, protection, MAP_SHARED, descriptor, 0), start != MAP_FAILED else {
            throw .file(path, "map it into memory", Errno(rawValue: errno))
        }
        _ = madvise(start, length, MADV_SEQUENTIAL)
        address = UInt64(UInt(bitPattern: start))
    }

    deinit {
        if length > 0 { munmap(UnsafeMutableRawPointer(bitPattern: UInt(address)), length) }
    }
}
