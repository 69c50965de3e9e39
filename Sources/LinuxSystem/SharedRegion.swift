internal import CLinux
internal import Glibc
public import SystemPackage

/// A file that is shared with another operating system and mapped as a whole.
///
/// Its other users may make it shorter at any time. An access of this process to a missing page then finds zeros in a
/// private page, and the region is lost: ``isLost``. An access of a guarded copy fails instead, and changes nothing.
public final class SharedRegion: Sendable {
    /// The whole file, for reading and writing.
    public let mapping: SharedMapping
    /// The whole file: a write to it faults.
    public let unwritableMapping: SharedMapping
    private let identity: FileIdentity
    private let number: CInt

    /// The smallest file that can be a region.
    public static let minimumByteCount = 1 << 20

    /// Maps a file.
    ///
    /// - Parameters:
    ///   - path: of a regular file of whole pages; a symbolic link is followed.
    ///   - lossEvent: signaled at the first access to a missing page; it must stay open as long as the region exists.
    /// - Throws: EINVAL for another kind of file, ENXIO for one that is too short or not whole pages; ENOSPC for too many
    ///   regions in this process; the errors of `open` and `mmap`.
    public init(path: String, lossEvent: borrowing EventDescriptor) throws(Errno) {
        // Not blocking: the path may name a pipe.
        let file = OwnedDescriptor(adopting: try tryingSystemCall { open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK) })
        let raw = file.raw
        var status = stat()
        try tryingSystemCall { fstat(raw, &status) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .invalidArgument }
        let page = try MemoryFile.pageSize(of: raw)
        guard status.st_size >= Self.minimumByteCount, status.st_size % page == 0 else {
            throw .noSuchAddressOrDevice
        }
        identity = try FileIdentity(of: raw)
        mapping = try SharedMapping(of: raw, byteCount: status.st_size, isWritable: true)
        unwritableMapping = try SharedMapping(of: raw, byteCount: status.st_size, isWritable: false)
        let start = mapping.bytes.baseAddress
        guard let start else { throw .invalidArgument }
        let watched = clinux_guard_watch_file(start, status.st_size, page, lossEvent.raw)
        guard watched >= 0 else { throw Errno(rawValue: -watched) }
        number = watched
    }

    deinit {
        clinux_guard_unwatch_file(number)
    }

    /// Its length, whole pages.
    public var byteCount: Int { mapping.bytes.count }

    /// Whether an access has met a missing page. It never ends: map the file again.
    public var isLost: Bool { clinux_guard_file_is_lost(number) != 0 }

    /// Whether both map the same file.
    public func isSameFile(as other: SharedRegion) -> Bool { identity == other.identity }

    /// Whether the file at a path is this one, with its length.
    public func isFile(at path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && FileIdentity(status) == identity && status.st_size == byteCount
    }
}
