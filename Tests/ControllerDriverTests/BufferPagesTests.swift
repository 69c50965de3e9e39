import ControllerDriver
import DMADev
import Glibc
import SystemPackage
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

    @Test("A buffer has all its pages when it is made, and the controller maps them") func allocation() throws {
        let size = 8 << 20
        let buffer = try driver.memory.allocate(byteCount: size)
        var resident = [UInt8](repeating: 0, count: size / 4096)
        #expect(mincore(buffer.bytes.baseAddress!, size, &resident) == 0 && resident.allSatisfy { $0 & 1 == 1 })
    }

    @Test("A hole fails the operations that meet it, and stays a hole") func holes() throws {
        let host = try ControllerHost.shared.get()
        #expect(host.memoryMode == "userfaultfd")
        let size = 1 << 20
        let source = try driver.memory.allocate(byteCount: size)
        let destination = try driver.memory.allocate(byteCount: size)
        memset(source.bytes.baseAddress!, 5, size)
        let from = try device.mapMemory(source.bytes)
        let to = try device.mapMemory(destination.bytes)
        let hole = source.bytes.baseAddress! + 8192
        #expect(madvise(hole, 8192, MADV_REMOVE) == 0)
        for _ in 0..<3 { #expect(try copy(from: from, to: to, size) == .invalidSourceAddress) }
        #expect(try copy(from: to, to: from + 8192, 64) == .invalidDestinationAddress)
        var resident: [UInt8] = [9, 9]
        #expect(mincore(hole, 8192, &resident) == 0 && resident.allSatisfy { $0 & 1 == 0 })
        // Whoever owns it fills it again.
        memset(hole, 5, 8192)
        #expect(try copy(from: from, to: to, size) == .successful)
        #expect(destination.bytes.allSatisfy { $0 == 5 })
        // While an operation is at it, wherever it is.
        let channel = try device.virtualChannel(0)
        for round in 0..<200 {
            memset(source.bytes.baseAddress!, 5, size)
            memset(destination.bytes.baseAddress!, 0, size)
            try channel.copy(from: from, to: to, length: UInt32(size), flags: .submit)
            let advice = madvise(source.bytes.baseAddress! + round * 4096, size / 2 - round * 2048 & ~4095, MADV_REMOVE)
            #expect(advice == 0)
            var statuses: [CompletionStatus] = [.successful]
            while try statuses.withUnsafeMutableBufferPointer({ try channel.completedStatus(into: $0) }).count == 0 {
                sched_yield()
            }
            #expect(statuses[0] == .successful || statuses[0] == .invalidSourceAddress)
            #expect(destination.bytes.allSatisfy { $0 == 0 || $0 == 5 })
        }
    }

    @Test("Without userfaultfd memory must have no holes, and none can be made") func sealedMemory() throws {
        let host = try ControllerHost.withoutUserfaultfd.get()
        #expect(host.memoryMode == "sealed")
        let driver = try ControllerDevice(path: host.path)
        let device = try DeviceRegistry().add(driver, named: "dma")
        let size = 1 << 20
        let sparse = try driver.memory.allocate(byteCount: size)
        #expect(madvise(sparse.bytes.baseAddress! + 8192, 4096, MADV_REMOVE) == 0)
        let refused = try #require(throws: DMAError.self) { try device.mapMemory(sparse.bytes) }
        #expect(refused.errno == .invalidArgument && refused.message.contains("hole"))
        // It is as it was: its owner fills the hole.
        #expect(madvise(sparse.bytes.baseAddress!, 4096, MADV_REMOVE) == 0)
        memset(sparse.bytes.baseAddress!, 1, size)
        let first = try device.mapMemory(.init(rebasing: sparse.bytes[..<8192]))
        let second = try device.mapMemory(.init(rebasing: sparse.bytes[4096...]))
        #expect(madvise(sparse.bytes.baseAddress! + 65536, 4096, MADV_REMOVE) == -1 && errno == EPERM)
        try device.unmapMemory(iova: first)
        try device.unmapMemory(iova: second)
        // The file stays mapped in the controller: it could not be mapped for writing again.
        let again = try device.mapMemory(sparse.bytes)
        try device.unmapMemory(iova: again)
        // Also for other devices of its owner.
        var options = ControllerDevice.Options()
        options.memory = driver.memory
        let other = try DeviceRegistry().add(ControllerDevice(path: host.path, options: options), named: "other")
        try other.unmapMemory(iova: other.mapMemory(sparse.bytes))
    }
}
