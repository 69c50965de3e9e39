import ControllerDriver
import DMADev
import Glibc
import TestSupport
import Testing

/// What buffers are made of: huge pages when there are any; and what becomes of pages that their owner takes away while
/// the controller has them.
@Suite(.serialized) struct BufferPagesTests {
    private let driver: ControllerDevice
    private let device: DMADevice

    init() throws {
        driver = try ControllerDevice(path: ControllerHost.shared.get().path)
        device = try DeviceRegistry().add(driver, named: "dma")
        try device.configure(DeviceConfiguration(virtualChannelCount: 1))
        try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 64))
        try device.start()
    }

    private func copy(from source: UInt64, to destination: UInt64, _ length: Int) throws -> CompletionStatus {
        let channel = try device.virtualChannel(0)
        try channel.copy(from: source, to: destination, length: UInt32(length), flags: .submit)
        var statuses: [CompletionStatus] = [.successful]
        while try statuses.withUnsafeMutableBufferPointer({ try channel.completedStatus(into: $0) }).count == 0 {
            sched_yield()
        }
        return statuses[0]
    }

    @Test(.enabled(if: HugePagePool.isOurs, "only who may set vm.nr_hugepages"))
    func aBufferOfWholeHugePagesIsMadeOfThem() throws {
        let pool = try HugePagePool(freeCount: 4)
        let size = try #require(HugePagePool.pageSize)
        do {
            let buffer = try driver.memory.allocate(byteCount: 3 * size)
            #expect(buffer.pageSize == size && buffer.bytes.count == 3 * size)
            // Set aside at once: whoever comes later cannot take them.
            #expect(try pool.freeCount == 1)
            #expect(try driver.memory.allocate(byteCount: 2 * size).pageSize == 4096)
            #expect(try driver.memory.allocate(byteCount: size + 1).pageSize == 4096)

            let whole = try device.mapMemory(buffer.bytes)
            // A part that begins and ends within huge pages.
            let first = size - 4096
            let part = try device.mapMemory(.init(rebasing: buffer.bytes[first..<first + size + 8192]))
            for index in 0..<size + 8192 { buffer.bytes[first + index] = UInt8(truncatingIfNeeded: index &* 7) }
            #expect(try copy(from: part, to: whole, size - 4096) == .successful)
            #expect(memcmp(buffer.bytes.baseAddress!, buffer.bytes.baseAddress! + first, size - 4096) == 0)
            #expect(try copy(from: part + UInt64(size) + 8184, to: whole, 9) == .invalidSourceAddress)
            try device.unmapMemory(iova: part)
            try device.unmapMemory(iova: whole)
        }
        // The controller has let go of them, too; it unmaps on a thread of its own.
        let deadline = ContinuousClock.now + .seconds(60)
        while try pool.freeCount < 4, ContinuousClock.now < deadline { usleep(1000) }
        #expect(try pool.freeCount == 4)
    }

    @Test(.enabled(if: HugePagePool.isOurs, "only who may set vm.nr_hugepages"))
    func hugePagesThatAreTakenAwayFailTheirOperationsOnly() throws {
        let pool = try HugePagePool(freeCount: 2)
        let size = try #require(HugePagePool.pageSize)
        let buffer = try driver.memory.allocate(byteCount: 2 * size)
        let whole = try device.mapMemory(buffer.bytes)
        memset(buffer.bytes.baseAddress!, 5, 2 * size)
        #expect(try copy(from: whole, to: whole + UInt64(size), 64) == .successful)
        #expect(madvise(buffer.bytes.baseAddress! + size, size, MADV_REMOVE) == 0)
        try pool.setFreeCount(0)
        // The system has no page for the controller: it gets SIGBUS.
        #expect(try copy(from: whole, to: whole + UInt64(size), 64) == .invalidDestinationAddress)
        #expect(try copy(from: whole + UInt64(size), to: whole, 64) == .invalidSourceAddress)
        #expect(try copy(from: whole, to: whole + 4096, 64) == .successful)
        #expect(buffer.bytes[4096] == 5)
    }

    @Test func holesAreZerosAndTheControllerLivesOn() throws {
        let size = 1 << 20
        let source = try driver.memory.allocate(byteCount: size)
        let destination = try driver.memory.allocate(byteCount: size)
        memset(source.bytes.baseAddress!, 5, size)
        let from = try device.mapMemory(source.bytes)
        let to = try device.mapMemory(destination.bytes)
        #expect(madvise(source.bytes.baseAddress! + 8192, 8192, MADV_REMOVE) == 0)
        #expect(try copy(from: from, to: to, size) == .successful)
        #expect(destination.bytes.enumerated().allSatisfy { $1 == ((8192..<16384).contains($0) ? 0 : 5) })
        // While an operation is at it, wherever it is: some of the bytes are as they were, the others are zeros.
        let channel = try device.virtualChannel(0)
        for round in 0..<200 {
            memset(source.bytes.baseAddress!, 5, size)
            try channel.copy(from: from, to: to, length: UInt32(size), flags: .submit)
            let advice = madvise(source.bytes.baseAddress! + round * 4096, size / 2 - round * 2048 & ~4095, MADV_REMOVE)
            #expect(advice == 0)
            #expect(madvise(destination.bytes.baseAddress!, size, MADV_REMOVE) == 0)
            while try channel.completed(upTo: 1).count == 0 { sched_yield() }
        }
        #expect(destination.bytes.allSatisfy { $0 == 0 || $0 == 5 })
        memset(source.bytes.baseAddress!, 6, size)
        #expect(try copy(from: from, to: to, size) == .successful)
        #expect(destination.bytes.allSatisfy { $0 == 6 })
    }
}
