import CDMADev
import DMADev
import DMAEngine
import Dispatch
import FaultDriver
import SoftwareDriver
import Synchronization
import SystemPackage
import TestSupport
import Testing

@Suite struct FaultModeTests {
    @Test("In silent mode nothing is polled, faults are counted, and a freeze fills the ring")
    func silent() throws {
        let bench = try FaultBench("every=4:bus_error,freeze=101", flags: .silent)
        let channel = try bench.channel
        for index in 0..<100 {
            try eventually("there is room") { try channel.burstCapacity > 0 }
            try bench.copy(index, on: channel, .submit)
        }
        try bench.waitUntilIdle()
        for index in 0..<100 { #expect(bench.isCopied(index) == (index % 4 != 3)) }
        #expect(try bench.device.statistics == Statistics(submitted: 100, completed: 100, errors: 25))
        #expect(try channel.burstCapacity == 64)
        #expect(throws: OperationError(.silentMode, .notSupported)) { try channel.completed(upTo: 1) }
        try bench.copy(100..<164)
        #expect(throws: OperationError(.ringFull, .noSpace)) { try bench.copy(0, on: channel) }
        #expect(try bench.device.status(of: 0) == .active)
    }

    @Test("Operations as structures fail as single ones do")
    func operations() throws {
        let bench = try FaultBench("every=3:data_poison,halt=13", flags: .enqueueDequeue)
        let channel = try bench.channel
        let buffers = (0..<12).map { index in
            OperationBuffer(
                from: [ScatterGatherEntry(address: bench.source(index), length: 8)],
                to: [ScatterGatherEntry(address: bench.destination(index), length: 8)],
                // One behind the failure of its batch, and all that follow it.
                flags: index == 10 ? .fence : [], userData: UInt64(index))
        }
        let expected = (0..<12).map { index -> CompletionStatus in
            index >= 10 ? .notAttempted : index % 3 == 2 ? .dataPoison : .successful
        }
        let count = try buffers.map(\.pointer).withUnsafeBufferPointer { try channel.enqueue($0) }
        #expect(count == 12)
        var taken = [UnsafeMutablePointer<dmadev_op>?](repeating: nil, count: 12)
        var got: [UnsafeMutablePointer<dmadev_op>] = []
        try eventually("all operations end") {
            let found = try taken.withUnsafeMutableBufferPointer { try channel.dequeue(into: $0) }
            got += taken.prefix(found).compactMap(\.self)
            return got.count == 12
        }
        #expect(got == buffers.map(\.pointer))
        #expect(buffers.map(\.status) == expected)
        for index in 0..<12 { #expect(bench.isCopied(index) == (expected[index] == .successful)) }
        #expect(try bench.details.engine.kinds.2 == 12)
        #expect(try bench.device.statistics == Statistics(submitted: 12, completed: 12, errors: 5))

        _ = try [buffers[0].pointer].withUnsafeBufferPointer { try channel.enqueue($0) }
        try eventually("the device is halted") { try bench.device.status(of: 0) == .haltedError }
        #expect(throws: OperationError(.halted, .ioError)) {
            try [buffers[0].pointer].withUnsafeBufferPointer { try channel.enqueue($0) }
        }
        #expect(throws: OperationError(.halted, .ioError)) {
            try taken.withUnsafeMutableBufferPointer { try channel.dequeue(into: $0) }
        }
    }

    @Test("What the device offers is offered, under the name of the fault driver")
    func properties() throws {
        let whole = try faultDevice(FaultPlan())
        #expect(whole.properties.driver == "fault")
        #expect(whole.properties.capabilities == SoftwareDevice.capabilities)
        let part = try faultDevice(FaultPlan()) {
            $0.capabilities = [.mem2mem, .copy, .enqueueDequeue]
            $0.maximumDescriptorCount = 77
        }
        #expect(part.properties.capabilities == [.mem2mem, .copy, .enqueueDequeue])
        #expect(part.properties.maximumDescriptorCount == 77)
        #expect(part.properties.priorityCount == 0)
    }

    /// Remembers what came back.
    private final class Pool: BufferPool {
        let addresses = Mutex<[UInt64]>([])
        func giveBack(_ address: UInt64) { addresses.withLock { $0.append(address) } }
    }

    @Test("Buffers go back to their pool once, whether their operation ran, failed, or was aborted")
    func autoFree() throws {
        let memory = try #require(DeviceMemory(byteCount: 4096))
        let driver = try faultDevice(FaultPlan(parsing: "fail=2:bus_error,freeze=6")) {
            $0.deviceMemory = [PCIePort(core: 7): memory]
        }
        let bench = try FaultBench(driver: driver)
        try bench.device.stop()
        let pool = Pool()
        try bench.device.setUpVirtualChannel(
            0,
            configuration: VirtualChannelConfiguration(
                direction: .mem2dev, descriptorCount: 32, destinationPort: .pcie(PCIePort(core: 7)),
                autoFreePool: pool))
        try bench.device.start()
        let channel = try bench.channel
        for index in 0..<8 {
            // The fifth is behind a fence, and the second has failed; the sixth and on are frozen.
            try channel.copy(
                from: bench.source(index), to: UInt64(index) * 8, length: 8,
                flags: index == 4 ? [.autoFree, .fence] : .autoFree)
        }
        try channel.submit()
        #expect(
            try channel.statuses(5) == [.successful, .busError, .successful, .successful, .notAttempted])
        #expect(Set(pool.addresses.withLock { $0 }) == Set((0..<5).map(bench.source)))
        try bench.device.stop()
        #expect(pool.addresses.withLock { $0 }.sorted() == (0..<8).map(bench.source))
        let written = memory.bytes.bindMemory(to: UInt64.self)
        for index in 0..<8 { #expect(written[index] == ([0, 2, 3].contains(index) ? bench.words[index] : 0)) }
    }

    @Test("A device without SVA maps memory as before")
    func mapping() throws {
        let driver = try faultDevice(FaultPlan(parsing: "fail=1:bus_error")) { $0.capabilities.remove(.sva) }
        let bench = try FaultBench(driver: driver)
        let channel = try bench.channel
        try bench.copy(0..<2)
        #expect(try channel.statuses(2) == [.busError, .invalidSourceAddress])
        let iova = try bench.device.mapMemory(UnsafeMutableRawBufferPointer(bench.words))
        let distance = bench.destination(0) - bench.source(0)
        try channel.copy(from: iova, to: iova + distance, length: 8, flags: .submit)
        #expect(try channel.statuses(1) == [.successful])
        #expect(bench.isCopied(0))
        try bench.device.unmapMemory(iova: iova)
        try channel.copy(from: iova, to: iova + distance, length: 8, flags: .submit)
        #expect(try channel.statuses(1) == [.invalidSourceAddress])
    }

    @Test("All kinds of operation are counted, run or not, and bytes of those that ran only")
    func details() throws {
        let bench = try FaultBench("fail=2:bus_error+4:page_fault+6:unknown")
        let channel = try bench.channel
        for index in 0..<2 {
            try bench.copy(index, on: channel)
            if index == 0 { continue }
            var entry = ScatterGatherEntry(address: bench.source(9), length: 8)
            var target = ScatterGatherEntry(address: bench.destination(9), length: 8)
            for _ in 0..<2 {
                try withUnsafePointer(to: &entry) { from in
                    try withUnsafePointer(to: &target) { to in
                        _ = try channel.copy(
                            from: UnsafeBufferPointer(start: from, count: 1),
                            to: UnsafeBufferPointer(start: to, count: 1))
                    }
                }
            }
            for _ in 0..<2 { try channel.fill(bench.destination(20), pattern: 1, length: 5) }
        }
        try channel.submit()
        try bench.waitUntilIdle()
        let details = try bench.details
        #expect(details.statistics == Statistics(submitted: 6, completed: 6, errors: 3))
        #expect((details.engine.kinds.1, details.engine.kinds.2, details.engine.kinds.3) == (2, 2, 2))
        #expect(details.statuses == [.successful: 3, .busError: 1, .pageFault: 1, .unknown: 1])
        #expect(details.engine.bytes == 8 + 8 + 5)
        #expect(
            (details.application.doorbells, details.application.high_water, details.application.rejected) == (1, 6, 0))
        #expect(details.latency.count == 6)
    }

    @Test("Counters go on over stops, starts and configurations")
    func countersGoOn() throws {
        let bench = try FaultBench("every=2:bus_error")
        for round in 1...5 as ClosedRange<UInt64> {
            try bench.copy(0..<4)
            try bench.waitUntilIdle()
            try bench.device.stop()
            #expect(
                try bench.device.statistics
                    == Statistics(submitted: 4 * round, completed: 4 * round, errors: 2 * round))
            try bench.device.configure(DeviceConfiguration(virtualChannelCount: 1))
            try bench.device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 9))
            try bench.device.start()
        }
    }

    @Test("A stop counts what was begun, and aborts the rest")
    func stops() throws {
        let bench = try FaultBench("every=5:bus_error")
        for round in 1...200 as ClosedRange<UInt64> {
            let channel = try bench.channel
            for index in 0..<50 { try bench.copy(index, isBad: index % 7 == 3, on: channel, .submit) }
            try bench.device.stop()
            let counts = try bench.device.statistics
            #expect((counts.submitted, counts.completed) == (50 * round, 50 * round))
            let details = try bench.details
            #expect(details.statuses.values.reduce(0, +) == 50 * round)
            #expect(counts.errors + details.statuses[.successful, default: 0] == 50 * round)
            #expect(details.engine.bytes == 8 * details.statuses[.successful, default: 0])
            try bench.device.start()
        }
    }

    @Test("Channels of several threads, with a reader beside them, count right and never backwards")
    func threads() throws {
        let bench = try FaultBench("every=10:bus_error,delay=1us", vchans: 2)
        let device = bench.device
        let (source, destination) = (bench.source(0), bench.destination(0))
        let isDone = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: 3) { index in
            #expect(throws: Never.self) { () throws in
                if index < 2 {
                    defer { isDone.wrappingAdd(1, ordering: .releasing) }
                    let channel = try device.virtualChannel(UInt16(index))
                    for round in 0..<200 {
                        for word in 0..<20 {
                            let offset = UInt64(index * 20 + word) * 8
                            try channel.copy(from: source + offset, to: destination + offset, length: 8)
                        }
                        try channel.submit()
                        let statuses = try channel.statuses(20)
                        #expect(statuses.filter { $0 == .busError }.count == 2)
                        #expect(try device.statistics(of: UInt16(index)).errors >= UInt64(2 * (round + 1)))
                    }
                } else {
                    var before = Statistics()
                    while isDone.load(ordering: .acquiring) < 2 {
                        let now = try device.statistics
                        if now.submitted < before.submitted || now.completed < before.completed
                            || now.errors < before.errors || now.completed > now.submitted
                        {
                            Issue.record("\(now) after \(before)")
                        }
                        before = now
                        _ = (
                            device.view.counters(of: 0), device.view.ringUse(of: 1), try device.status(of: 0),
                            try device.dump()
                        )
                    }
                }
            }
        }
        #expect(try device.statistics == Statistics(submitted: 8000, completed: 8000, errors: 800))
    }
}
