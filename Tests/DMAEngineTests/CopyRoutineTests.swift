import CDMADev
import CLinux
import Glibc
import TestSupport
import Testing

@testable import DMAEngine

/// What copies move, whichever routine their size and place select.
@Suite struct CopyRoutineTests {
    @Test func `copies of all sizes and alignments move their bytes and no others, also between overlapping areas`()
        throws
    {
        var random = SeededGenerator(for: "copy routines")
        let ring = try TestRing(engine: try Engine(), descriptorCount: 32)
        defer { ring.retire() }
        let byteCount = 32 * 1024
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 4096)
        defer { memory.deallocate() }
        var expected = (0..<byteCount).map { _ in UInt8.random(in: 0...255, using: &random) }
        memory.copyBytes(from: expected)
        let start = UInt64(UInt(bitPattern: memory.baseAddress))
        for turn in 0..<500 {
            let length = Int.random(in: 1...(turn % 5 == 0 ? 12_000 : 700), using: &random)
            let source = Int.random(in: 0...byteCount - length, using: &random)
            // Near each other, at the same place of a page, or anywhere.
            let destinations = [
                source + Int.random(in: -300...300, using: &random), source % 4096 + 4096,
                Int.random(in: 0...byteCount, using: &random),
            ]
            let destination = min(max(destinations[turn % 3], 0), byteCount - length)
            let bytes = Array(expected[source..<source + length])
            expected.replaceSubrange(destination..<destination + length, with: bytes)
            #expect(
                ring.producer.enqueueCopy(
                    start + UInt64(source), start + UInt64(destination), length: UInt32(length), flags: 0) >= 0)
            ring.producer.submit()
            #expect(ring.statuses(1) == [0])
            try #require(memory.elementsEqual(expected), "\(length) bytes from \(source) to \(destination)")
        }
    }

    @Test("Nothing is written beyond a page that cannot be written, wherever the source is in its page")
    func holes() throws {
        try #require(clinux_guard_install() == 0)
        let (source, destination) = (try Pages(9 * 4096), try Pages(8 * 4096))
        source.bytes.initializeMemory(as: UInt8.self, repeating: 1)
        try #require(mprotect(destination.start + 4 * 4096, 4096, PROT_READ) == 0)
        for offset in stride(from: 0, to: 4096 as UInt64, by: 16) {
            memset(destination.start, 0, 4 * 4096)
            var move = clinux_move(
                dst: destination.address + 8, src: source.address + offset, bytes: 8 * 4096 - 8, is_fill: 0)
            #expect(clinux_guarded_move(&move) == CLINUX_GUARD_DESTINATION)
            #expect(destination.bytes[(4 * 4096)...].allSatisfy { $0 == 0 }, "source at \(offset)")
        }
    }
}
