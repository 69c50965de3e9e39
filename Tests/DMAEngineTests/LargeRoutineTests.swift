import CLinux
import Glibc
import Testing

/// The routine for large areas, in each of its ways.
@Suite struct LargeRoutineTests {
    /// The pages in which it times stores, the area from which on it does, and more.
    private static let sizes = [4096, 16384, 20480, 24576, 65536, 262_144]
    /// The way that it finds by itself, with the time of a store to memory that leads to it; and the others.
    private static let ways: [(way: clinux_way, memoryTicks: UInt64)] = [
        (CLINUX_WAY_UNKNOWN, always(CLINUX_WAY_CACHED)), (CLINUX_WAY_UNKNOWN, always(CLINUX_WAY_STREAMED)),
        (CLINUX_WAY_UNKNOWN, clinux_memory_ticks()), (CLINUX_WAY_CACHED, 0), (CLINUX_WAY_STREAMED, 0),
    ]

    /// A store to memory that takes no time, or more than any.
    private static func always(_ way: clinux_way) -> UInt64 { way == CLINUX_WAY_STREAMED ? 0 : .max / 2 }

    @Test("Each way moves every byte and no other", arguments: ways)
    func moves(way: clinux_way, memoryTicks: UInt64) throws {
        let most = 262_145
        let (source, destination) = (try Pages(most + 128), try Pages(most + 128))
        for size in [1, 31, 32, 33, 127, 128, 129] + Self.sizes.flatMap({ [$0 - 1, $0, $0 + 1] }) {
            for (from, to) in [(0, 0), (3, 3), (0, 1), (64, 31), (63, 32), (17, 64)] {
                source.fill(seed: UInt8(truncatingIfNeeded: size &+ from))
                destination.bytes.initializeMemory(as: UInt8.self, repeating: 0)
                var used = way
                #expect(
                    clinux_guarded_large(
                        destination.address + UInt64(to), source.address + UInt64(from), size, memoryTicks, &used)
                        == CLINUX_GUARD_OK)
                #expect(way == CLINUX_WAY_UNKNOWN || used == way)
                let start = destination.start
                try #require(
                    memcmp(start + to, source.start + from, size) == 0, "\(size) bytes from \(from) to \(to)")
                #expect(destination.bytes[..<to].allSatisfy { $0 == 0 })
                #expect(destination.bytes[(to + size)..<min(to + size + 64, most + 128)].allSatisfy { $0 == 0 })
            }
        }
    }

    #if arch(x86_64)
        @Test("A large part finds the way, and a small one leaves it unknown", arguments: [0, 1, 4095])
        func finds(offset: Int) throws {
            let (source, destination) = (try Pages(266_240), try Pages(266_240))
            for way in [CLINUX_WAY_CACHED, CLINUX_WAY_STREAMED] {
                for (size, expected) in [(20_479, CLINUX_WAY_UNKNOWN), (20_480, way), (262_144, way)] {
                    var found = CLINUX_WAY_UNKNOWN
                    #expect(
                        clinux_guarded_large(
                            destination.address + UInt64(offset), source.address, size, Self.always(way), &found)
                            == CLINUX_GUARD_OK)
                    #expect(found == expected)
                }
            }
        }
    #endif

    @Test("A page without rights is an error of its side, wherever it is", arguments: ways)
    func faults(way: clinux_way, memoryTicks: UInt64) throws {
        let (source, destination) = (try Pages(262_144), try Pages(262_144))
        try #require(clinux_guard_install() == 0)
        for page in [0, 1, 40, 59, 60, 61, 62, 63] {
            for (side, rights, result) in [
                (source, PROT_NONE, CLINUX_GUARD_SOURCE), (destination, PROT_READ, CLINUX_GUARD_DESTINATION),
            ] {
                try #require(mprotect(side.start + page * 4096, 4096, rights) == 0)
                var used = way
                #expect(
                    clinux_guarded_large(destination.address, source.address, 262_144, memoryTicks, &used) == result)
                try #require(mprotect(side.start + page * 4096, 4096, PROT_READ | PROT_WRITE) == 0)
            }
        }
    }
}
