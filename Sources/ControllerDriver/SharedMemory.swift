public import DMADev
internal import LinuxSystem
internal import SystemPackage

/// Memory that can be shared with a controller: memfds, each mapped in this process.
///
/// A controller device reaches no other memory of its process: memory of `malloc` has no file descriptor. Several
/// devices may use one `SharedMemory`. Any thread may call.
public final class SharedMemory: Sendable {
    /// The file behind a buffer.
    struct File {
        let descriptor: CInt
        let byteCount: Int
    }

    /// By address. An entry is removed when its buffer is deallocated.
    private let files = Locked<[UInt64: File]>([:])

    /// Allocates nothing yet.
    public init() {}

    /// Allocates a zeroed buffer, all its pages at once.
    ///
    /// A size that is a multiple of the huge page size (`Hugepagesize` in `/proc/meminfo`, mostly 2 MiB) uses huge
    /// pages when enough are free (`vm.nr_hugepages`, `vm.nr_overcommit_hugepages`); they are reserved at once. Other
    /// buffers use transparent huge pages where `/sys/kernel/mm/transparent_hugepage/shmem_enabled` is `advise` or
    /// more.
    ///
    /// - Parameter byteCount: 1 or more; rounded up to whole pages of 4,096 bytes.
    /// - Throws: `EINVAL` for less than 1 byte, or the system's errno: `ENOMEM`, `EMFILE`.
    public func allocate(byteCount: Int) throws(DMAError) -> SharedBuffer {
        guard byteCount > 0, byteCount <= Int.max - Self.page else {
            throw DMAError(.invalidArgument, .invalidArgument, "a buffer of \(byteCount) bytes: the minimum is 1")
        }
        let size = (byteCount + Self.page - 1) & ~(Self.page - 1)
        do throws(Errno) {
            if size >= Self.leastHugePage, let buffer = try? buffer(size, usesHugePages: true) { return buffer }
            return try buffer(size, usesHugePages: false)
        } catch {
            throw DMAError(.exhausted, error, "\(size) bytes of shared memory cannot be allocated: \(error)")
        }
    }

    private func buffer(_ size: Int, usesHugePages: Bool) throws(Errno) -> SharedBuffer {
        let file = try MemoryFile.make(name: "dmascope-buffer", byteCount: size, usesHugePages: usesHugePages)
        // A controller requires this seal: without it the file could shrink during an operation.
        try MemoryFile.add([.shrink, .grow], to: file.raw)
        let mapping = try SharedMapping(
            of: file.raw, byteCount: size, isWritable: true, isReserved: usesHugePages)
        // Now, so that neither this process nor the controller has faults later: a controller allocates no page of a
        // buffer, and refuses or fails what is missing.
        try mapping.populate(0..<size)
        let pageSize = try MemoryFile.pageSize(of: file.raw)
        files.withLock { [raw = file.raw] in $0[Self.address(mapping)] = File(descriptor: raw, byteCount: size) }
        return SharedBuffer(file: file, mapping: mapping, pageSize: pageSize, memory: self)
    }

    /// Runs `body` with the file behind a range and the range's offset in it; `nil` when no buffer contains all of it.
    func withFile<Result>(
        of address: UInt64, _ byteCount: UInt64, _ body: (CInt, UInt64) throws(DMAError) -> Result
    ) throws(DMAError) -> Result? {
        // The lock prevents that the buffer is deallocated and its descriptor closed meanwhile.
        try files.withLock { files throws(DMAError) in
            for (start, file) in files where address >= start && address - start < UInt64(file.byteCount) {
                let offset = address - start
                return byteCount <= UInt64(file.byteCount) - offset ? try body(file.descriptor, offset) : nil
            }
            return nil
        }
    }

    fileprivate func remove(_ mapping: SharedMapping) {
        files.withLock { $0[Self.address(mapping)] = nil }
    }

    static let page = 4096
    /// The smallest huge page of any system. The kernel refuses sizes that are not a multiple of its own huge page
    /// size.
    private static let leastHugePage = 64 << 10

    private static func address(_ mapping: SharedMapping) -> UInt64 {
        UInt64(UInt(bitPattern: mapping.bytes.baseAddress))
    }
}

/// A buffer of ``SharedMemory``, unmapped when the object is deallocated. Parts that were mapped for a device stay
/// reachable for that device until they are unmapped there.
public final class SharedBuffer: Sendable {
    private let file: OwnedDescriptor
    private let mapping: SharedMapping
    private let memory: SharedMemory

    /// Bytes per page: 4,096, or the size of a huge page.
    public let pageSize: Int

    init(file: consuming OwnedDescriptor, mapping: SharedMapping, pageSize: Int, memory: SharedMemory) {
        self.file = file
        self.mapping = mapping
        self.pageSize = pageSize
        self.memory = memory
    }

    deinit {
        memory.remove(mapping)
    }

    /// The mapped memory, a whole number of pages.
    public var bytes: UnsafeMutableRawBufferPointer { mapping.bytes }
}
