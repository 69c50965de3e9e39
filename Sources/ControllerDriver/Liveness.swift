internal import Glibc
internal import LinuxSystem

/// Whether the connection to a controller is alive, as a word that the data path reads.
///
/// The word is on a page that the kernel zeroes in a forked child (`MADV_WIPEONFORK`): there the rings are halted from
/// the start.
final class Liveness: @unchecked Sendable {
    // Constant; the words behind it are atomic.
    /// 1 while the connection is alive and this is the process that connected.
    let word: UnsafeMutablePointer<UInt64>
    /// For the engine's doorbell, on a separate cache line.
    let bellWord: UnsafeMutablePointer<UInt32>
    /// 1 in this process for good.
    private let ownWord: UnsafeMutablePointer<UInt64>
    private static let byteCount = 4096

    /// - Returns: `nil` when the page cannot be mapped.
    init?() {
        let mapped = mmap(
            nil, Self.byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let mapped, mapped != MAP_FAILED else { return nil }
        guard madvise(mapped, Self.byteCount, MADV_WIPEONFORK) == 0 else {
            munmap(mapped, Self.byteCount)
            return nil
        }
        word = mapped.bindMemory(to: UInt64.self, capacity: 1)
        bellWord = (mapped + 64).bindMemory(to: UInt32.self, capacity: 1)
        ownWord = (mapped + 128).bindMemory(to: UInt64.self, capacity: 1)
        ownWord.storeReleasing(1)
        word.storeReleasing(1)
    }

    deinit {
        munmap(word, Self.byteCount)
    }

    var isAlive: Bool { word.loadAcquiring() != 0 }

    func end() { word.storeReleasing(0) }

    /// Whether this is a forked child of the process that connected. Process IDs do not tell: in a new PID namespace, the
    /// child of process 1 is process 1.
    var isInherited: Bool { ownWord.loadAcquiring() == 0 }
}
