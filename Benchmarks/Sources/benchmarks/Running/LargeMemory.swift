import CPeers
import DMADev
import Glibc

/// Source and destination of large copies, in pages of the usual size or in huge ones.
final class LargeMemory {
    let byteCount: Int
    let source: UnsafeMutablePointer<UInt8>
    let destination: UnsafeMutablePointer<UInt8>
    private let mappings: [UnsafeMutableRawBufferPointer]
    /// Two words that are copied to wake the engine.
    private let words = UnsafeMutablePointer<UInt64>.allocate(capacity: 2)

    private static let hugePage = 2 << 20

    /// - Parameter byteCount: of each side, whole pages.
    init(byteCount: Int, isHuge: Bool) throws(Failure) {
        words.initialize(repeating: 0, count: 2)
        self.byteCount = byteCount
        mappings = [try Self.map(byteCount), try Self.map(byteCount)]
        let starts = mappings.map { mapping in
            // A mapping that succeeded has an address.
            let start = UInt(bitPattern: mapping.baseAddress.unsafelyUnwrapped)
            let aligned = (start + UInt(Self.hugePage) - 1) & ~(UInt(Self.hugePage) - 1)
            return mapping.baseAddress.unsafelyUnwrapped.advanced(by: Int(aligned - start))
        }
        for (index, start) in starts.enumerated() {
            madvise(start, byteCount, isHuge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE)
            memset(start, CInt(index + 1), byteCount)
        }
        source = starts[0].assumingMemoryBound(to: UInt8.self)
        destination = starts[1].assumingMemoryBound(to: UInt8.self)
    }

    deinit {
        for mapping in mappings { munmap(mapping.baseAddress, mapping.count) }
        words.deallocate()
    }

    private static func map(_ byteCount: Int) throws(Failure) -> UnsafeMutableRawBufferPointer {
        let size = byteCount + hugePage
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        guard let memory = mmap(nil, size, PROT_READ | PROT_WRITE, flags, -1, 0), memory != MAP_FAILED else {
            throw Failure("no memory for \(byteCount) bytes")
        }
        return UnsafeMutableRawBufferPointer(start: memory, count: size)
    }

    /// Whether the system has that much free memory, and a quarter more.
    static func isAvailable(byteCount: Int) -> Bool {
        sysconf(CInt(_SC_AVPHYS_PAGES)) * sysconf(CInt(_SC_PAGESIZE)) > byteCount * 5 / 2
    }

    /// Removes both sides from the caches.
    func evict() throws(Failure) {
        guard cpeers_evict(source, byteCount), cpeers_evict(destination, byteCount) else {
            throw Failure("the processor cannot empty its caches")
        }
    }

    /// Copies in the calling thread; nanoseconds per copy.
    func copy(_ routine: cpeers_routine, isCold: Bool, seconds: Double) throws(Failure) -> Double {
        let nanoseconds = cpeers_large(routine, destination, source, byteCount, isCold, seconds)
        guard nanoseconds > 0 else { throw Failure("a copy failed with errno \(-nanoseconds)") }
        return nanoseconds
    }

    /// Copies a word, so that the engine, which sleeps while the caches are emptied, is awake as the caller of memcpy is.
    private func wake(_ channel: VirtualChannel) throws {
        let words = UInt64(UInt(bitPattern: words))
        try channel.copy(from: words, to: words + 8, length: 8, flags: .submit)
        while try channel.completed(upTo: 1).count == 0 { cpeers_relax() }
    }

    /// The same by a channel: two at a time, so that the engine always has work; cold: one at a time, with the engine awake.
    func copy(_ channel: VirtualChannel, isCold: Bool, seconds: Double) throws -> Double {
        let (from, to, length) = (address(source), address(destination), UInt32(byteCount))
        var (spent, done, inFlight) = (0.0, 0, 0)
        repeat {
            if isCold {
                try evict()
                try wake(channel)
            }
            let begin = cpeers_now()
            repeat {
                while inFlight < (isCold ? 1 : 2), spent + cpeers_now() - begin < seconds * 1e9 || done == 0 {
                    try channel.copy(from: from, to: to, length: length, flags: .submit)
                    inFlight += 1
                }
                let found = try channel.completed(upTo: 2)
                if found.hasError { throw Failure("an operation failed") }
                if found.count == 0 { cpeers_relax() }
                inFlight -= found.count
                done += found.count
            } while inFlight > 0
            spent += cpeers_now() - begin
        } while spent < seconds * 1e9
        return spent / Double(done)
    }

    /// Copies other bytes once, and throws unless all arrive.
    func verify(_ channel: VirtualChannel) throws {
        memset(destination, 0, byteCount)
        _ = try copy(channel, isCold: false, seconds: 0)
        guard memcmp(source, destination, byteCount) == 0 else { throw Failure("the destination has wrong bytes") }
    }
}
