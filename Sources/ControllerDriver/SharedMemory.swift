public import DMADev
internal import LinuxSystem
internal import SystemPackage

/// Memory that a controller can be given: files in memory, each mapped here.
///
/// A device of a controller reaches no other memory of its process: what `malloc` gives has no descriptor. Several devices
/// may have one `SharedMemory`. Any thread may call.
public final class SharedMemory: Sendable {
    /// A buffer as others find it.
    struct File {
        let descriptor: CInt
        let byteCount: Int
    }

    /// By address. A buffer puts itself here, and takes itself away when it goes.
    private let files = Locked<[UInt64: File]>([:])

    /// No buffers yet.
    public init() {}

    /// Makes a zeroed buffer.
    ///
    /// One of a whole number of huge pages (`Hugepagesize` in `/proc/meminfo`, mostly 2 MiB) is made of them when that
    /// many are free (`vm.nr_hugepages`, `vm.nr_overcommit_hugepages`); they are set aside at once. Others are made of
    /// transparent huge pages where `/sys/kernel/mm/transparent_hugepage/shmem_enabled` is `advise` or more.
    ///
    /// - Parameter byteCount: 1 or more; it is rounded up to whole pages of 4,096 bytes.
    /// - Throws: `EINVAL`, or what the system says: `ENOMEM`, `EMFILE`.
    public func allocate(byteCount: Int) throws(DMAError) -> SharedBuffer {
        guard byteCount > 0, byteCount <= Int.max - Self.page else {
            throw DMAError(.invalidArgument, .invalidArgument, "a buffer of \(byteCount) bytes: it has 1 at least")
        }
        let size = (byteCount + Self.page - 1) & ~(Self.page - 1)
        do throws(Errno) {
            if size >= Self.leastHugePage, let buffer = try? buffer(size, usesHugePages: true) { return buffer }
            return try buffer(size, usesHugePages: false)
        } catch {
            throw DMAError(.exhausted, error, "\(size) bytes of shared memory cannot be had: \(error)")
        }
    }

    private func buffer(_ size: Int, usesHugePages: Bool) throws(Errno) -> SharedBuffer {
        let file = try MemoryFile.make(name: "dmascope-buffer", byteCount: size, usesHugePages: usesHugePages)
        // Without this seal no controller takes it: it could be cut while an operation is at it.
        try MemoryFile.add([.shrink, .grow], to: file.raw)
        let mapping = try SharedMapping(
            of: file.raw, byteCount: size, isWritable: true, isReserved: usesHugePages)
        let pageSize = try MemoryFile.pageSize(of: file.raw)
        files.withLock { [raw = file.raw] in $0[Self.address(mapping)] = File(descriptor: raw, byteCount: size) }
        return SharedBuffer(file: file, mapping: mapping, pageSize: pageSize, memory: self)
    }

    /// Runs `body` with the file behind a range and where the range begins in it; `nil` when no buffer holds all of it.
    func withFile<Result>(
        of address: UInt64, _ byteCount: UInt64, _ body: (CInt, UInt64) throws(DMAError) -> Result
    ) throws(DMAError) -> Result? {
        // Under the lock the buffer cannot go, nor its descriptor be closed.
        try files.withLock { files throws(DMAError) in
            for (start, file) in files where address >= start && address - start < UInt64(file.byteCount) {
                let offset = address - start
                return byteCount <= UInt64(file.byteCount) - offset ? try body(file.descriptor, offset) : nil
            }
            return nil
        }
    }

    fileprivate func forget(_ mapping: SharedMapping) {
        files.withLock { $0[Self.address(mapping)] = nil }
    }

    static let page = 4096
    /// No system has smaller ones. What is no whole number of the system's own, the system refuses.
    private static let leastHugePage = 64 << 10

    private static func address(_ mapping: SharedMapping) -> UInt64 {
        UInt64(UInt(bitPattern: mapping.bytes.baseAddress))
    }
}

/// A buffer of ``SharedMemory``: unmapped when the object goes. What was mapped for a device of it stays reachable for that
/// device until it is unmapped there.
public final class SharedBuffer: Sendable {
    private let file: OwnedDescriptor
    private let mapping: SharedMapping
    private let memory: SharedMemory

    /// Bytes of the pages that it is made of: 4,096, or a huge page's.
    public let pageSize: Int

    init(file: consuming OwnedDescriptor, mapping: SharedMapping, pageSize: Int, memory: SharedMemory) {
        self.file = file
        self.mapping = mapping
        self.pageSize = pageSize
        self.memory = memory
    }

    deinit {
        memory.forget(mapping)
    }

    /// The memory, whole pages.
    public var bytes: UnsafeMutableRawBufferPointer { mapping.bytes }
}
