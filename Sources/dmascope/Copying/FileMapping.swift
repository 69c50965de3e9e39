import Glibc
import LinuxSystem
import SystemPackage

/// A whole file in memory, shared with the file.
///
/// Only a device may touch the bytes: where the file has been cut since, a plain access would kill the process, and the
/// device makes it an operation that failed.
struct FileMapping: ~Copyable {
    /// Where it begins, as a device sees it; 0 for an empty file, which has no mapping.
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
