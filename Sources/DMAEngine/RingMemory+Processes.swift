internal import CLinux
internal import Glibc
public import LinuxSystem
public import SystemPackage

/// The memory of a ring between two processes that do not trust each other: two files, one per side.
///
/// The application writes the first. The engine's process maps the second before it is sealed: after that no process
/// can map it writable, even with the descriptor. The seal also forbids that its pages are freed, so the application
/// must touch them first: see ``isCharged``.
public struct SharedRingMemory: ~Copyable, Sendable {
    /// The ring as mapped in the engine's process.
    public let memory: RingMemory
    /// The file that the application maps for writing.
    public let applicationFile: OwnedDescriptor
    /// The file that the application maps for reading.
    public let engineFile: OwnedDescriptor

    /// Creates zeroed ring memory in the engine's process.
    ///
    /// - Throws: EMFILE, ENFILE, ENOMEM.
    public init(layout: RingLayout) throws(Errno) {
        let application = try MemoryFile.make(name: "dmascope-ring", byteCount: layout.applicationByteCount)
        try MemoryFile.add([.shrink, .grow, .seal], to: application.raw)
        let engine = try MemoryFile.make(name: "dmascope-engine", byteCount: layout.engineByteCount)
        let memory = try RingMemory(
            layout: layout, applicationFile: application.raw, engineFile: engine.raw, isEngine: true)
        try MemoryFile.add([.shrink, .grow, .futureWrite, .seal], to: engine.raw)
        self.memory = memory
        applicationFile = application
        engineFile = engine
    }

    /// Whether all pages of the engine's file are there, while the engine has not written yet: they were allocated for
    /// the application, which maps and reads them, and stay charged to it.
    public var isCharged: Bool {
        (try? MemoryFile.isAllocated(0..<memory.layout.engineByteCount, of: engineFile.raw)) == true
    }
}

extension RingMemory {
    /// Maps the two files of a ring in the application's process, and allocates the pages that the engine's process
    /// would otherwise touch first. The descriptors may be closed afterwards.
    ///
    /// - Throws: EINVAL when a file is not sealed, or its size differs from the layout's: reading it could fault.
    ///   ENOMEM.
    public convenience init(layout: RingLayout, applicationFile: CInt, engineFile: CInt) throws(Errno) {
        for (file, size) in [(applicationFile, layout.applicationByteCount), (engineFile, layout.engineByteCount)] {
            guard try MemoryFile.seals(of: file).contains(.shrink), try MemoryFile.byteCount(of: file) >= size else {
                throw Errno.invalidArgument
            }
        }
        try self.init(layout: layout, applicationFile: applicationFile, engineFile: engineFile, isEngine: false)
        try allocate()
    }

    /// Allocates all of the engine's side, and the first page and the times of the application's side.
    private func allocate() throws(Errno) {
        let times = layout.doorbellTimesOffset..<layout.consumerPageOffset
        let parts = [
            (layout.consumerPageOffset..<layout.byteCount, false), (0..<layout.descriptorsOffset, true), (times, true),
        ]
        for (part, isWritable) in parts {
            guard clinux_populate(base + part.lowerBound, part.count, isWritable) == 0 else {
                throw Errno(rawValue: errno)
            }
        }
    }

    fileprivate convenience init(
        layout: RingLayout, applicationFile: CInt, engineFile: CInt, isEngine: Bool
    ) throws(Errno) {
        // Reserve one address range first, then map both files into it.
        let reserved = mmap(nil, layout.byteCount, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let reserved, reserved != MAP_FAILED else { throw Errno(rawValue: errno) }
        func map(_ file: CInt, at offset: Int, _ byteCount: Int, isWritable: Bool) -> Bool {
            let rights = isWritable ? PROT_READ | PROT_WRITE : PROT_READ
            return mmap(reserved + offset, byteCount, rights, MAP_SHARED | MAP_FIXED, file, 0) != MAP_FAILED
        }
        guard map(applicationFile, at: 0, layout.applicationByteCount, isWritable: true),
            map(engineFile, at: layout.applicationByteCount, layout.engineByteCount, isWritable: isEngine)
        else {
            let error = Errno(rawValue: errno)
            munmap(reserved, layout.byteCount)
            throw error
        }
        self.init(adopting: reserved, layout: layout, removesApplicationPages: isEngine)
    }
}
