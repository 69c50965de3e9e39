import CDMADev
import DMADev
import DMAEngine
import Glibc
import SoftwareDriver
import Testing

/// Copies that are larger than the caches take a way of their own.
@Suite struct LargeCopyTests {
    private static let length = 16 * 1024 * 1024 + 4096 + 37

    @Test(
        "A copy larger than the caches moves every byte and no other",
        arguments: [(0, 0), (5, 3), (1, 64), (16, 15)], [OperationFlags(), .lastLevelCache])
    func copies(offsets: (source: Int, destination: Int), flags: OperationFlags) throws {
        let channel = try Channel()
        let (source, destination) = (Area(Self.length + 128), Area(Self.length + 128))
        source.number()
        let status = try channel.copy(
            from: source.address(offsets.source), to: destination.address(offsets.destination), Self.length, flags)
        #expect(status == .successful)
        #expect(memcmp(destination.base + offsets.destination, source.base + offsets.source, Self.length) == 0)
        #expect(destination.isZero(in: 0..<offsets.destination))
        #expect(destination.isZero(in: offsets.destination + Self.length..<destination.byteCount))
    }

    @Test(
        "Copies at the limits of the ways move every byte and no other",
        arguments: [(512 << 10, 0), (1 << 20, 3), (3 << 20, 40), (8 << 20, 0)])
    func limits(length: Int, offset: Int) throws {
        let channel = try Channel()
        let (source, destination) = (Area(length + 128), Area(length + 128))
        source.number()
        for length in [length - 1, length, length + 1] {
            memset(destination.base, 0, destination.byteCount)
            // Twice: the destination is in the caches, or not.
            for _ in 0..<2 {
                #expect(
                    try channel.copy(from: source.address(7), to: destination.address(offset), length, [])
                        == .successful)
            }
            #expect(memcmp(destination.base + offset, source.base + 7, length) == 0)
            #expect(destination.isZero(in: 0..<offset))
            #expect(destination.isZero(in: offset + length..<destination.byteCount))
        }
    }

    @Test("Large areas that overlap are copied as memmove does", arguments: [4096, -4096, 8, -8])
    func overlapping(distance: Int) throws {
        let channel = try Channel()
        let (memory, expected) = (Area(Self.length + 8192), Area(Self.length + 8192))
        memory.number()
        expected.number()
        memmove(expected.base + 4096 + distance, expected.base + 4096, Self.length)
        let status = try channel.copy(
            from: memory.address(4096), to: memory.address(4096 + distance), Self.length, [])
        #expect(status == .successful)
        #expect(memcmp(memory.base, expected.base, memory.byteCount) == 0)
    }

    @Test("A large copy that meets a page without rights fails on that side, and the next one is fine")
    func faults() throws {
        let channel = try Channel()
        let (source, destination) = (Area(Self.length), Area(Self.length))
        source.number()
        let page = 9 * 1024 * 1024
        mprotect(destination.base + page, 4096, PROT_READ)
        #expect(
            try channel.copy(from: source.address(0), to: destination.address(0), Self.length, [])
                == .invalidDestinationAddress)
        mprotect(destination.base + page, 4096, PROT_READ | PROT_WRITE)
        mprotect(source.base + page, 4096, PROT_NONE)
        #expect(
            try channel.copy(from: source.address(0), to: destination.address(0), Self.length, [])
                == .invalidSourceAddress)
        mprotect(source.base + page, 4096, PROT_READ)
        #expect(try channel.copy(from: source.address(0), to: destination.address(0), Self.length, []) == .successful)
        #expect(memcmp(source.base, destination.base, Self.length) == 0)
    }
}

/// One channel of a device of its own.
private struct Channel {
    private let device: DMADevice
    private let vchan: VirtualChannel

    init() throws {
        device = try DeviceRegistry().add(SoftwareDevice(engine: Engine()), named: "large")
        try device.configure(DeviceConfiguration(virtualChannelCount: 1))
        try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 32))
        try device.start()
        vchan = try device.virtualChannel(0)
    }

    func copy(
        from source: UInt64, to destination: UInt64, _ length: Int, _ flags: OperationFlags
    ) throws -> CompletionStatus {
        try vchan.copy(from: source, to: destination, length: UInt32(length), flags: flags.union(.submit))
        return try withUnsafeTemporaryAllocation(of: CompletionStatus.self, capacity: 1) { status in
            while try vchan.completedStatus(into: status).count == 0 { sched_yield() }
            return status[0]
        }
    }
}

/// Pages of zeros.
private final class Area {
    let base: UnsafeMutableRawPointer
    let byteCount: Int

    init(_ byteCount: Int) {
        self.byteCount = byteCount
        base = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    }

    deinit {
        munmap(base, byteCount)
    }

    func address(_ offset: Int) -> UInt64 { UInt64(UInt(bitPattern: base)) + UInt64(offset) }

    /// Writes each word's number into it.
    func number() {
        let words = base.assumingMemoryBound(to: UInt64.self)
        for word in 0..<UInt64(byteCount / 8) { words[Int(word)] = word }
    }

    func isZero(in range: Range<Int>) -> Bool {
        UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count).allSatisfy { $0 == 0 }
    }
}
