import CLinux
import Glibc
import SystemPackage

/// Files in memory, and their seals: shared memory between processes.
///
/// C: `memfd_create`
public enum MemoryFile {
    /// Operations that are no longer possible on a file; `F_SEAL_*`.
    public struct Seals: OptionSet, Sendable, Hashable {
        /// The bits.
        public let rawValue: CInt

        /// Seals from their bits.
        public init(rawValue: CInt) { self.rawValue = rawValue }

        /// Adding seals. C: `F_SEAL_SEAL`
        public static let seal = Seals(rawValue: CLINUX_SEAL_SEAL)
        /// Shrinking: mapped parts stay accessible. C: `F_SEAL_SHRINK`
        public static let shrink = Seals(rawValue: CLINUX_SEAL_SHRINK)
        /// Growing. C: `F_SEAL_GROW`
        public static let grow = Seals(rawValue: CLINUX_SEAL_GROW)
        /// Writing. C: `F_SEAL_WRITE`
        public static let write = Seals(rawValue: CLINUX_SEAL_WRITE)
        /// Writing, except through existing writable mappings. C: `F_SEAL_FUTURE_WRITE`
        public static let futureWrite = Seals(rawValue: CLINUX_SEAL_FUTURE_WRITE)
    }

    /// Creates a zeroed file, close-on-exec, that can be sealed.
    ///
    /// - Parameters:
    ///   - name: shown in `/proc`; at most 249 bytes.
    ///   - byteCount: unused pages consume no memory.
    ///   - usesHugePages: whether it uses huge pages (`Hugepagesize` in `/proc/meminfo`). They are limited: see
    ///     ``SharedMapping/init(of:offset:byteCount:isWritable:isReserved:missingPages:alignment:)``.
    /// - Throws: EMFILE, ENFILE, ENOMEM; EFBIG above the maximum file size; EINVAL for a size that is not a multiple of
    ///   the huge page size; ENOSYS, ENOENT if the system has no huge pages.
    public static func make(name: String, byteCount: Int, usesHugePages: Bool = false) throws(Errno) -> OwnedDescriptor
    {
        let file = OwnedDescriptor(adopting: try tryingSystemCall { clinux_memfd(name, usesHugePages) })
        let raw = file.raw
        try tryingSystemCall { ftruncate(raw, byteCount) }
        return file
    }

    /// The seals of a file. Call this first for a descriptor from another process: unlike all other calls, it cannot
    /// block for any kind of file.
    ///
    /// C: `fcntl` with `F_GET_SEALS`. EINVAL for a file that is not in memory.
    public static func seals(of descriptor: CInt) throws(Errno) -> Seals {
        Seals(rawValue: try tryingSystemCall { clinux_get_seals(descriptor) })
    }

    /// Adds seals.
    ///
    /// C: `fcntl` with `F_ADD_SEALS`. EPERM when it has ``Seals/seal``; EBUSY for ``Seals/write`` with writable mappings.
    public static func add(_ seals: Seals, to descriptor: CInt) throws(Errno) {
        try tryingSystemCall { clinux_add_seals(descriptor, seals.rawValue) }
    }

    /// The length of a file. Only for a file whose seals were checked: for others it may block.
    ///
    /// C: `fstat`
    public static func byteCount(of descriptor: CInt) throws(Errno) -> Int {
        var status = stat()
        try tryingSystemCall { fstat(descriptor, &status) }
        return status.st_size
    }

    /// Bytes per page of a file: more than the system's page size for huge pages. Only for a file whose seals were
    /// checked: for others it may block.
    ///
    /// C: `fstatfs`
    public static func pageSize(of descriptor: CInt) throws(Errno) -> Int {
        try tryingSystemCall { clinux_page_size(descriptor) }
    }

    /// Whether all pages of a range have memory. Only for a file whose seals were checked: for others it may block.
    ///
    /// Of a file of huge pages the system reports no holes but only a sum: it is the whole file that has none.
    ///
    /// C: `lseek` with `SEEK_HOLE`, which moves the file's offset, and `fstat`
    public static func isAllocated(_ range: Range<Int>, of descriptor: CInt) throws(Errno) -> Bool {
        var status = stat()
        try tryingSystemCall { fstat(descriptor, &status) }
        if try pageSize(of: descriptor) > sysconf(Int32(_SC_PAGESIZE)) {
            return status.st_blocks * 512 >= status.st_size
        }
        return try tryingSystemCall { clinux_next_hole(descriptor, range.lowerBound) } >= range.upperBound
    }

    /// The whole pages that contain a range of a file; `size` is a power of two.
    public static func pages(of byteCount: Int, at offset: Int, size: Int) -> Range<Int> {
        offset & ~(size - 1)..<(offset + byteCount + size - 1) & ~(size - 1)
    }
}

/// A range of a file mapped into this process, shared with all other mappings; unmapped when the object is deallocated.
///
/// C: `mmap` with `MAP_SHARED`
public final class SharedMapping: @unchecked Sendable {
    // Constant; the users synchronize accesses to the memory.
    /// The memory.
    public let bytes: UnsafeMutableRawBufferPointer

    /// The mapped pages, which contain `bytes`.
    private let pages: UnsafeMutableRawBufferPointer
    private let isWritable: Bool

    /// Maps a part of a file.
    ///
    /// - Parameters:
    ///   - offset: a multiple of the system's page size.
    ///   - byteCount: 1 or more; whole pages are mapped.
    ///   - isWritable: if false, a write to ``bytes`` faults.
    ///   - isReserved: whether the memory is reserved now, for all mappings of the file. Otherwise the first access
    ///     to a missing huge page raises SIGBUS.
    ///   - missingPages: if set, an access to a missing page raises SIGBUS and allocates nothing.
    ///   - alignment: of the address of ``bytes``; a power of two. More than a page takes a free range of addresses that
    ///     is larger by as much.
    ///   - descriptor: of a file that cannot become shorter.
    /// - Throws: EINVAL, ENOMEM; EPERM or EACCES when the file must not be written.
    public init(
        of descriptor: CInt, offset: Int = 0, byteCount: Int, isWritable: Bool, isReserved: Bool = false,
        missingPages: MissingPages? = nil, alignment: Int = 1
    ) throws(Errno) {
        guard byteCount > 0, offset % sysconf(Int32(_SC_PAGESIZE)) == 0 else { throw Errno.invalidArgument }
        let pages = MemoryFile.pages(of: byteCount, at: offset, size: try MemoryFile.pageSize(of: descriptor))
        let place =
            try alignment > sysconf(Int32(_SC_PAGESIZE))
            ? Self.reserve(pages.count, alignment, offset - pages.lowerBound) : nil
        let mapped = mmap(
            place, pages.count, isWritable ? PROT_READ | PROT_WRITE : PROT_READ,
            (isReserved ? MAP_SHARED : MAP_SHARED | MAP_NORESERVE) | (place == nil ? 0 : MAP_FIXED), descriptor,
            pages.lowerBound)
        guard let mapped, mapped != MAP_FAILED else {
            let error = Errno(rawValue: errno)
            if let place { munmap(place, pages.count) }
            throw error
        }
        self.pages = UnsafeMutableRawBufferPointer(start: mapped, count: pages.count)
        self.isWritable = isWritable
        bytes = UnsafeMutableRawBufferPointer(start: mapped + (offset - pages.lowerBound), count: byteCount)
        // After an error the object is deallocated, which unmaps the pages.
        if let missingPages {
            try missingPages.register(self.pages)
        } else if pages.count >= Self.hugePage {
            // A hint: transparent huge pages, if the system enables them for files in memory. Not for memory of others:
            // the system would fill holes with them.
            madvise(mapped, pages.count, MADV_HUGEPAGE)
        }
    }

    /// Reserves free addresses.
    ///
    /// - Parameter offset: from the result to an address that is a multiple of the alignment.
    private static func reserve(
        _ byteCount: Int, _ alignment: Int, _ offset: Int
    ) throws(Errno) -> UnsafeMutableRawPointer {
        let (size, isBeyond) = byteCount.addingReportingOverflow(alignment)
        guard !isBeyond else { throw .noMemory }
        let found = mmap(nil, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let found, found != MAP_FAILED else { throw Errno(rawValue: errno) }
        let before = (alignment - (Int(bitPattern: found) + offset) & (alignment - 1)) & (alignment - 1)
        if before > 0 { munmap(found, before) }
        if alignment > before { munmap(found + before + byteCount, alignment - before) }
        return found + before
    }

    /// Maps all pages of a part now, and allocates missing ones: later accesses do not fault.
    ///
    /// It waits for pages that are swapped out.
    ///
    /// - Parameter range: in ``bytes``; whole pages of the file are mapped.
    /// - Throws: ENOMEM; EFAULT at a missing page that cannot be allocated, or must not, because of ``MissingPages``:
    ///   the pages before it are mapped then.
    public func populate(_ range: Range<Int>) throws(Errno) {
        guard let start = pages.baseAddress, let first = bytes.baseAddress, !range.isEmpty else { return }
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let (lower, upper) = (first - start + range.lowerBound, first - start + range.upperBound)
        let begin = lower & ~(page - 1)
        try tryingSystemCall { clinux_populate(start + begin, upper - begin, isWritable) }
    }

    /// Ends the sharing: the addresses keep a private copy of what the pages contain now. Other threads may read meanwhile;
    /// what they write can be lost.
    ///
    /// C: `mremap` with `MREMAP_FIXED`
    public func keepCopy() throws(Errno) {
        guard let start = pages.baseAddress else { return }
        try tryingSystemCall { clinux_keep_copy(start, pages.count) }
    }

    private static let hugePage = 2 << 20

    deinit {
        munmap(pages.baseAddress, pages.count)
    }
}
