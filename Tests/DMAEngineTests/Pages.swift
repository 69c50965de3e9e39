import Glibc
import Testing

/// Pages of zeros.
final class Pages {
    let bytes: UnsafeMutableRawBufferPointer

    init(_ count: Int) throws {
        let memory = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        try #require(memory != MAP_FAILED)
        bytes = UnsafeMutableRawBufferPointer(start: memory, count: count)
    }

    deinit { munmap(bytes.baseAddress, bytes.count) }

    // A mapping that succeeded has an address.
    var start: UnsafeMutableRawPointer { bytes.baseAddress.unsafelyUnwrapped }
    var address: UInt64 { UInt64(UInt(bitPattern: start)) }

    /// Writes words that differ.
    func fill(seed: UInt8) {
        let words = start.assumingMemoryBound(to: UInt64.self)
        for word in 0..<bytes.count / 8 { words[word] = UInt64(word) &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(seed) }
    }
}
