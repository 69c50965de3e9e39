import LinuxSystem
import Testing

@Suite struct RandomBytesTests {
    @Test("All of the memory is filled, whatever its size, and wiped to zero")
    func fillAndWipe() {
        for count in [0, 1, 15, 257, 100_000] {
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
            defer { memory.deallocate() }
            // Each byte has been other than 0 once, in so many rounds.
            var wasSet = [Bool](repeating: false, count: count)
            for _ in 0..<20 {
                RandomBytes.fill(memory)
                for (place, byte) in memory.enumerated() where byte != 0 { wasSet[place] = true }
            }
            #expect(wasSet.allSatisfy { $0 })
            RandomBytes.wipe(memory)
            #expect(memory.allSatisfy { $0 == 0 })
        }
        RandomBytes.fill(UnsafeMutableRawBufferPointer(start: nil, count: 0))
        RandomBytes.wipe(UnsafeMutableRawBufferPointer(start: nil, count: 0))
    }
}
