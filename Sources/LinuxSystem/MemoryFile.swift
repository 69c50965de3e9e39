import CLinux
import Glibc
import SystemPackage

/// Files that live in memory only, and their seals: how processes share memory.
///
/// C: `memfd_create`
public enum MemoryFile {
    /// What can no longer be done to a file; `F_SEAL_*`.
    public struct Seals: OptionSet, Sendable, Hashable {
        /// The bits.
        public let rawValue: CInt

        /// Seals from their bits.
        public init(rawValue: CInt) { self.rawValue = rawValue }

        /// No seal is added. C: `F_SEAL_SEAL`
        public static let seal = Seals(rawValue: CLINUX_SEAL_SEAL)
        /// It does not become shorter: who has mapped it finds it whole. C: `F_SEAL_SHRINK`
        public static let shrink = Seals(rawValue: CLINUX_SEAL_SHRINK)
        /// It does not become longer. C: `F_SEAL_GROW`
        public static let grow = Seals(rawValue: CLINUX_SEAL_GROW)
        /// Nobody writes to it. C: `F_SEAL_WRITE`
        public static let write = Seals(rawValue: CLINUX_SEAL_WRITE)
        /// Nobody writes to it but through the writable mappings that there are. C: `F_SEAL_FUTURE_WRITE`
        public static let futureWrite = Seals(rawValue: CLINUX_SEAL_FUTURE_WRITE)
    }

    /// Makes a file of zeros, close-on-exec, that can be sealed.
    ///
    /// - Parameters:
    ///   - name: for people, in `/proc`; at most 249 bytes.
    ///   - byteCount: pages that are never touched cost nothing.
    ///   - usesHugePages: whether it is made of huge pages (`Hugepagesize` in `/proc/meminfo`). They are few: see
    ///     ``SharedMapping/init(of:offset:byteCount:isWritable:isReserved:)``.
    /// - Throws: EMFILE, ENFILE, ENOMEM; EFBIG for more bytes than a file has; EINVAL for bytes that are no whole number
    ///   of huge pages; ENOSYS, ENOENT where the system has no huge pages.
    public static func make(name: String, byteCount: Int, usesHugePages: Bool = false) throws(Errno) -> OwnedDescriptor
    {
        let file = OwnedDescriptor(adopting: try tryingSystemCall { clinux_memfd(name, usesHugePages) })
        let raw = file.raw
        try tryingSystemCall { ftruncate(raw, byteCount) }
        return file
    }

    /// The seals of a file. The first question to ask of a descriptor that came from another process: unlike any other,
    /// it cannot block, whatever is behind it.
    ///
    /// C: `fcntl` with `F_GET_SEALS`. EINVAL for what is no file in memory.
    public static func seals(of descriptor: CInt) throws(Errno) -> Seals {
        Seals(rawValue: try tryingSystemCall { clinux_get_seals(descriptor) })
    }

    /// Adds seals.
    ///
    /// C: `fcntl` with `F_ADD_SEALS`. EPERM when it has ``Seals/seal``; EBUSY for ``Seals/write`` with writable mappings.
    public static func add(_ seals: Seals, to descriptor: CInt) throws(Errno) {
        try tryingSystemCall { clinux_add_seals(descriptor, seals.rawValue) }
    }

    /// The length of a file. Only for one whose seals were looked at: elsewhere it may block.
    ///
    /// C: `fstat`
    public static func byteCount(of descriptor: CInt) throws(Errno) -> Int {
        var status = stat()
        try tryingSystemCall { fstat(descriptor, &status) }
        return status.st_size
    }

    /// Bytes of a page of a file: more than the system's when it is made of huge pages. Only for one whose seals were
    /// looked at: elsewhere it may block.
    ///
    /// C: `fstatfs`
    public static func pageSize(of descriptor: CInt) throws(Errno) -> Int {
        try tryingSystemCall { clinux_page_size(descriptor) }
    }

    /// The whole pages that a stretch of a file lies in; `size` is a power of two.
    public static func pages(of byteCount: Int, at offset: Int, size: Int) -> Range<Int> {
        offset & ~(size - 1)..<(offset + byteCount + size - 1) & ~(size - 1)
    }
}

/// A stretch of a file in this process's memory, shared with all who map it; unmapped when the object goes.
///
/// C: `mmap` with `MAP_SHARED`
public final class SharedMapping: @unchecked Sendable {
    // Constant; what lies in the memory is for its users to agree on.
    /// The memory.
    public let bytes: UnsafeMutableRawBufferPointer

    /// What was mapped: the pages that `bytes` lie in.
    private let pages: UnsafeMutableRawBufferPointer

    /// Maps a part of a file.
    ///
    /// - Parameters:
    ///   - offset: a multiple of the system's page size.
    ///   - byteCount: 1 or more; pages are mapped whole.
    ///   - isWritable: without it, a write to ``bytes`` is a fault.
    ///   - isReserved: whether the memory is set aside now, for all who map the file. Without it, huge pages that there
    ///     are none of are noticed by who touches them, with SIGBUS.
    /// - Throws: EINVAL, ENOMEM; EPERM or EACCES when the file may not be written to.
    public init(
        of descriptor: CInt, offset: Int = 0, byteCount: Int, isWritable: Bool, isReserved: Bool = false
    ) throws(Errno) {
        guard byteCount > 0, offset % sysconf(Int32(_SC_PAGESIZE)) == 0 else { throw Errno.invalidArgument }
        let pages = MemoryFile.pages(of: byteCount, at: offset, size: try MemoryFile.pageSize(of: descriptor))
        let mapped = mmap(
            nil, pages.count, isWritable ? PROT_READ | PROT_WRITE : PROT_READ,
            isReserved ? MAP_SHARED : MAP_SHARED | MAP_NORESERVE, descriptor, pages.lowerBound)
        guard let mapped, mapped != MAP_FAILED else { throw Errno(rawValue: errno) }
        // Huge pages where the system has them for any file in memory; a wish, which may come to nothing.
        if pages.count >= Self.hugePage { madvise(mapped, pages.count, MADV_HUGEPAGE) }
        self.pages = UnsafeMutableRawBufferPointer(start: mapped, count: pages.count)
        bytes = UnsafeMutableRawBufferPointer(start: mapped + (offset - pages.lowerBound), count: byteCount)
    }

    private static let hugePage = 2 << 20

    deinit {
        munmap(pages.baseAddress, pages.count)
    }
}
