import CLinux
import Glibc
import SystemPackage

/// A mapping for secrets that are kept: it is in no core dump, in no swap and in no child process.
///
/// Where the kernel offers `memfd_secret`, nobody but this process can read it, not even the kernel itself; elsewhere the
/// memory is locked. All secrets have the same size. Any thread may use it.
public final class SecretMemory: @unchecked Sendable, CustomStringConvertible, CustomReflectable {
    // Constant. Of what lies there, each part is its secret's alone, or free and zero.
    private let memory: UnsafeMutableRawBufferPointer
    private let secretByteCount: Int
    private let capacity: Int
    private let free: Locked<[Int]>
    /// A child has the object and not the memory.
    private let pid = getpid()

    /// Maps memory for `capacity` secrets of `secretByteCount` bytes.
    ///
    /// C: `memfd_secret`, else `mmap` and `mlock`; `madvise` with `MADV_DONTDUMP` and `MADV_DONTFORK`
    ///
    /// - Throws: ENOMEM, EAGAIN or EPERM when this process may not lock so much memory: `RLIMIT_MEMLOCK`.
    public init(capacity: Int, secretByteCount: Int) throws(Errno) {
        let page = sysconf(Int32(_SC_PAGESIZE))
        let byteCount = max(capacity * secretByteCount + page - 1, page) / page * page
        memory = try Self.map(byteCount)
        self.capacity = capacity
        self.secretByteCount = secretByteCount
        // The last is taken first.
        free = Locked((0..<capacity).reversed())
        // Takes the pages now; the kernel gives secret ones at the first access only.
        memory.initializeMemory(as: UInt8.self, repeating: 0)
    }

    deinit {
        guard getpid() == pid else { return }
        RandomBytes.wipe(memory)
        munmap(memory.baseAddress, memory.count)
    }

    private static func map(_ byteCount: Int) throws(Errno) -> UnsafeMutableRawBufferPointer {
        let secret = mapSecretly(byteCount)
        let memory = if let secret { secret } else { try mapLocked(byteCount) }
        guard madvise(memory.baseAddress, byteCount, MADV_DONTDUMP) == 0,
            madvise(memory.baseAddress, byteCount, MADV_DONTFORK) == 0
        else {
            let error = Errno(rawValue: errno)
            munmap(memory.baseAddress, byteCount)
            throw error
        }
        return memory
    }

    /// Memory that the kernel has taken out of its own map; `nil` where it offers none or refuses it.
    private static func mapSecretly(_ byteCount: Int) -> UnsafeMutableRawBufferPointer? {
        let raw = clinux_memfd_secret()
        guard raw >= 0 else { return nil }
        // The mapping stays; who has no descriptor cannot map it anew.
        let file = OwnedDescriptor(adopting: raw)
        guard ftruncate(file.raw, byteCount) == 0,
            let base = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, file.raw, 0), base != MAP_FAILED
        else { return nil }
        return UnsafeMutableRawBufferPointer(start: base, count: byteCount)
    }

    private static func mapLocked(_ byteCount: Int) throws(Errno) -> UnsafeMutableRawBufferPointer {
        let base = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let base, base != MAP_FAILED else { throw Errno(rawValue: errno) }
        guard mlock(base, byteCount) == 0 else {
            let error = Errno(rawValue: errno)
            munmap(base, byteCount)
            throw error
        }
        return UnsafeMutableRawBufferPointer(start: base, count: byteCount)
    }

    /// Keeps a copy of a secret here, until its last reference goes; `nil` when there is no room, or the secret has
    /// another size.
    public func keep(_ secret: Secret) -> Secret? {
        guard secret.byteCount == secretByteCount, let place = free.withLock({ $0.popLast() }) else { return nil }
        let start = place * secretByteCount
        let copy = Secret(UnsafeMutableRawBufferPointer(rebasing: memory[start..<start + secretByteCount]), of: self)
        secret.withUnsafeBytes(copy.fill)
        return copy
    }

    func release(_ part: UnsafeMutableRawBufferPointer) {
        guard getpid() == pid, let start = part.baseAddress, let base = memory.baseAddress else { return }
        RandomBytes.wipe(part)
        free.withLock { $0.append((start - base) / secretByteCount) }
    }

    /// Tells nothing of what is in it.
    public var description: String { "memory for \(capacity) secrets" }
    /// Shows nothing.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
