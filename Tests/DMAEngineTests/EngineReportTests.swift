import DMADev
import DMAEngine
import ExampleDriver
import LinuxSystem
import SystemPackage
import Testing

@Suite struct EngineReportTests {
    private static func device(on engine: Engine) throws -> DMADevice {
        let device = try DeviceRegistry().add(ExampleDevice(engine: engine), named: "example")
        try device.configure(DeviceConfiguration(virtualChannelCount: 1))
        try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 64))
        try device.start()
        return device
    }

    private static func copy(_ count: Int, of byteCount: Int, by device: DMADevice) throws {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 2 * byteCount, alignment: 64)
        defer { memory.deallocate() }
        memory.initializeMemory(as: UInt8.self, repeating: 1, count: 2 * byteCount)
        let address = UInt64(UInt(bitPattern: memory))
        let channel = try device.virtualChannel(0)
        for _ in 0..<count {
            try channel.copy(from: address, to: address + UInt64(byteCount), length: UInt32(byteCount), flags: .submit)
            while try channel.completed(upTo: 1).count == 0 {}
        }
    }

    @Test("An engine counts the operations and bytes of all its devices, also of stopped ones")
    func work() throws {
        let engine = try Engine(name: "counting")
        let devices = try (0..<2).map { _ in try Self.device(on: engine) }
        #expect(engine.report.rings == 2)
        #expect(devices.map { $0.view.engines.map(\.id) } == [[engine.id], [engine.id]])
        for device in devices { try Self.copy(5, of: 1000, by: device) }
        #expect(engine.report.operations == 10 && engine.report.bytes == 10_000)
        try devices[0].stop()
        #expect(engine.report.operations == 10 && engine.report.bytes == 10_000 && engine.report.rings == 1)
        try devices[0].start()
        try Self.copy(1, of: 1, by: devices[0])
        #expect(engine.report.operations == 11 && engine.report.bytes == 10_001)
        for device in devices { try device.stop() }
        #expect(engine.report.operations == 11 && engine.report.rings == 0 && engine.report.name == "counting")
    }

    @Test("Busy time is that of the operations, and no more while there are none")
    func busyTime() throws {
        let engine = try Engine()
        let device = try Self.device(on: engine)
        defer { try? device.stop() }
        let (idle, begin) = (engine.report, MonotonicTime.now)
        // Parts of 256 KiB, and operations of one part.
        try Self.copy(4, of: 32 << 20, by: device)
        try Self.copy(1000, of: 64, by: device)
        let elapsed = MonotonicTime.now.nanoseconds(since: begin)
        let busy = engine.report
        let latencies = try #require(device.view.counters(of: 0)).latency.sum
        let spent = busy.busyNanoseconds - idle.busyNanoseconds
        #expect(spent > 0 && spent <= elapsed)
        // One operation at a time: the engine is busy from doorbell to completion, but for the time to wake up, which
        // can be most of it on a busy machine.
        #expect(spent <= latencies, "\(spent) of \(latencies)")
        // It sleeps soon, and a change of its rings wakes it.
        for _ in 0..<2 {
            let sleeps = engine.report.sleeps
            while engine.report.sleeps == sleeps {
                let other = try Self.device(on: engine)
                try other.stop()
                try other.close()
            }
        }
        #expect(engine.report.busyNanoseconds == busy.busyNanoseconds && engine.report.sleeps > busy.sleeps)
    }

    @Test("A long operation counts while it runs")
    func longOperation() throws {
        let engine = try Engine()
        let device = try Self.device(on: engine)
        defer { try? device.stop() }
        let byteCount = 64 << 20
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 2 * byteCount, alignment: 64)
        defer { memory.deallocate() }
        let address = UInt64(UInt(bitPattern: memory))
        let channel = try device.virtualChannel(0)
        var seen = 0
        // The copy of fresh memory takes some milliseconds. The reader may miss one, not all.
        for _ in 0..<100 where seen < 2 {
            let before = engine.report
            try channel.copy(from: address, to: address + UInt64(byteCount), length: UInt32(byteCount), flags: .submit)
            var last = before.busyNanoseconds
            while try device.status(of: 0) == .active {
                let now = engine.report
                if now.operations == before.operations, now.busyNanoseconds > last {
                    seen += 1
                    last = now.busyNanoseconds
                }
            }
            _ = try channel.completed(upTo: 1)
        }
        #expect(seen >= 2)
    }

    @Test("An engine does not inherit the processors of the thread that starts it, and takes others")
    func processors() throws {
        let allowed = try ProcessorSet.allowed()
        let first = try #require(allowed.numbers.first.flatMap { ProcessorSet("\($0)") })
        let seen = Locked<[String]>([])
        let thread = try SystemThread.start(name: "pinned") {
            try? SystemThread.current.run(on: first)
            let engines = [try? Engine(), try? Engine(processors: allowed), try? Engine(processors: first)]
            seen.withLock { $0 = engines.map { $0?.report.processors ?? "" } }
        }
        thread.join()
        #expect(seen.withLock { $0 } == [allowed, allowed, first].map(\.description))
        let absent = try #require(ProcessorSet("\(ProcessorSet.maximumNumber)"))
        #expect(throws: Errno.invalidArgument) { try Engine(processors: absent) }
    }
}
