import Glibc
import Testing

/// Pages of their own, whose rights can be changed; a file behind them where they have to vanish.
final class MappedMemory {
    static let page = 4096

    private let base: UnsafeMutableRawPointer
    private let byteCount: Int

    init(pages: Int, protection: Int32 = PROT_READ | PROT_WRITE) throws {
        byteCount = pages * Self.page
        let mapped = mmap(nil, byteCount, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        try #require(mapped != MAP_FAILED)
        base = try #require(mapped)
    }

    /// Pages of a file that then is cut to nothing: each access is a bus error.
    init(truncatedPages pages: Int) throws {
        byteCount = pages * Self.page
        let file = try #require(tmpfile())
        defer { fclose(file) }
        try #require(ftruncate(fileno(file), byteCount) == 0)
        let mapped = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0)
        try #require(mapped != MAP_FAILED)
        base = try #require(mapped)
        try #require(ftruncate(fileno(file), 0) == 0)
    }

    deinit {
        munmap(base, byteCount)
    }

    var address: UInt64 { UInt64(UInt(bitPattern: base)) }

    /// The memory, for calls that take a range.
    var region: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(start: base, count: byteCount) }

    func bytes(in range: Range<Int>) -> [UInt8] {
        Array(UnsafeRawBufferPointer(start: base, count: byteCount)[range])
    }

    func protect(page: Int, _ protection: Int32) throws {
        try #require(mprotect(base + page * Self.page, Self.page, protection) == 0)
    }
}
