import CDMADev
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
}
