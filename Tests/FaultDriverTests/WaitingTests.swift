import DMADev
import DMAEngine
import FaultDriver
import LinuxSystem
import SoftwareDriver
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// Waiting for completions instead of polling. Faults make operations that end late or never.
@Suite struct WaitingTests {
    @Test func aWaitEndsWithTheCompletion() async throws {
        let bench = try FaultBench("delay=20ms")
        let channel = try bench.channel
        try bench.copy(0..<4)
        var taken = 0
        while taken < 4 { taken += try await channel.nextCompleted(upTo: 32).count }
        #expect((0..<4).allSatisfy(bench.isCopied))
    }

    @Test func whatIsFinishedIsReturnedAtOnce() async throws {
        let bench = try FaultBench()
        try bench.copy(0..<3)
        try bench.waitUntilIdle()
        let completions = try await bench.channel.nextCompleted(upTo: 2)
        #expect(completions.count == 2 && completions.lastIndex == 1)
        try await bench.channel.waitForCompletion()
        #expect(try await bench.channel.nextCompleted(upTo: 2).count == 1)
    }

    @Test func aFailureEndsAWaitToo() async throws {
        let bench = try FaultBench("fail=1:bus_error,delay=10ms")
        try bench.copy(0..<1)
        let completions = try await bench.channel.nextCompleted(upTo: 1)
        #expect(completions.count == 0 && completions.hasError)
        #expect(try bench.channel.poll(1) == [.busError])
    }

    @Test func nothingToWaitForIsAnError() async throws {
        let bench = try FaultBench()
        let channel = try bench.channel
        // Enqueued, and no doorbell.
        try bench.copy(0, on: channel)
        await #expect(throws: DMAError.self) { try await channel.nextCompleted(upTo: 1) }
        try channel.submit()
        #expect(try await channel.nextCompleted(upTo: 1).count == 1)
        try bench.device.stop()
        await #expect(throws: OperationError.self) { try await channel.nextCompleted(upTo: 1) }
        await #expect(throws: DMAError.self) { try await channel.waitForCompletion() }
    }

    /// Engines that sleep at once, later, and as forecast.
    private static let idlings: [(UInt32, EngineIdling)] = [(0, .sleep), (1000, .sleep), (0, .adaptive)]

    /// No wake-up is lost, whatever state engine and ring are in.
    @Test(arguments: idlings) func randomWaitsAllEnd(idleRounds: UInt32, idling: EngineIdling) async throws {
        var random = SeededGenerator(for: "randomWaitsAllEnd")
        let registry = DeviceRegistry()
        let engine = try Engine(idleRounds: idleRounds, idling: idling)
        let device = try registry.add(SoftwareDevice(engine: engine), named: "dma0")
        try device.configure(DeviceConfiguration(virtualChannelCount: 1))
        try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 64))
        try device.start()
        let buffer = try device.makeBuffer(byteCount: 1 << 16)
        let channel = try device.virtualChannel(0)
        var (submitted, taken) = (0, 0)
        while submitted < 4000 {
            for _ in 0..<Int.random(in: 1...8, using: &random) where try channel.burstCapacity > 0 {
                let count = Int.random(in: 1...(Bool.random(using: &random) ? 64 : 16384), using: &random)
                try channel.copy(from: buffer, to: buffer, destinationOffset: 1 << 15, byteCount: count)
                submitted += 1
            }
            try channel.submit()
            for _ in 0..<Int.random(in: 0...20, using: &random) { await Task.yield() }
            repeat { taken += try await channel.nextCompleted(upTo: 64).count } while try channel.burstCapacity == 0
        }
        while taken < submitted { taken += try await channel.nextCompleted(upTo: 64).count }
        try device.stop()
    }

    /// Two devices with one engine, which a third one keeps busy without pause, or which never sleeps. Without tasks: those
    /// get a thread of the pool when the other tests leave one, and the busy threads would run until then.
    @Test(arguments: [true, false]) func anEngineThatDoesNotSleepAnnouncesToo(isBusy: Bool) throws {
        let registry = DeviceRegistry()
        let engine = try Engine(idling: isBusy ? .sleep : .spin)
        func start(_ name: String) throws -> (driver: SoftwareDevice, device: DMADevice, buffer: DeviceBuffer) {
            let driver = try SoftwareDevice(engine: engine)
            let device = try registry.add(driver, named: name)
            try device.configure(DeviceConfiguration(virtualChannelCount: 1))
            try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 64))
            try device.start()
            return (driver, device, try device.makeBuffer(byteCount: 4096))
        }
        let busy = try start("busy").device
        let benches = [try start("dma0"), try start("dma1")]
        let end = Flag()
        let thread = try SystemThread.start(name: "busy") { if isBusy { try? Self.keepBusy(busy, until: end) } }
        defer {
            end.isSet.store(true, ordering: .relaxed)
            thread.join()
        }
        for _ in 0..<50 {
            let announcements = try benches.map { bench in
                try bench.device.virtualChannel(0).copy(
                    from: bench.buffer, to: bench.buffer, destinationOffset: 2048, flags: .submit)
                let announced = ChangeCount()
                _ = try bench.driver.notifyOfCompletion(on: 0) { announced.increment() }
                return announced
            }
            for (bench, announced) in zip(benches, announcements) {
                try eventually("a completion is announced") { announced.value == 1 }
                try #require(bench.device.virtualChannel(0).completed(upTo: 2).count == 1)
            }
        }
        for bench in benches { try bench.device.stop() }
    }

    private static func keepBusy(_ device: DMADevice, until end: Flag) throws {
        let buffer = try device.makeBuffer(byteCount: 1 << 16)
        let channel = try device.virtualChannel(0)
        while !end.isSet.load(ordering: .relaxed) {
            while try channel.burstCapacity > 0 {
                try channel.copy(from: buffer, to: buffer, destinationOffset: 1 << 15, flags: .submit)
            }
            _ = try channel.completed(upTo: 64)
        }
        try device.stop()
    }

    /// More rings are watched than the engine looks at in one round.
    @Test(arguments: idlings) func manyChannelsWait(idleRounds: UInt32, idling: EngineIdling) async throws {
        let registry = DeviceRegistry()
        let engine = try Engine(idleRounds: idleRounds, idling: idling)
        let device = try registry.add(SoftwareDevice(engine: engine), named: "dma0")
        let vchans = 0..<UInt16(40)
        try device.configure(DeviceConfiguration(virtualChannelCount: 40))
        for vchan in vchans {
            try device.setUpVirtualChannel(vchan, configuration: VirtualChannelConfiguration(descriptorCount: 64))
        }
        try device.start()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for vchan in vchans {
                group.addTask {
                    let buffer = try device.makeBuffer(byteCount: 1 << 16)
                    let channel = try device.virtualChannel(vchan)
                    for _ in 0..<30 {
                        try channel.copy(from: buffer, to: buffer, destinationOffset: 1 << 15, flags: .submit)
                        guard try await channel.nextCompleted(upTo: 1).count == 1 else {
                            throw TestSupportError("none")
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        try device.stop()
    }

    @Test func cancellationEndsAWait() async throws {
        let bench = try FaultBench("freeze=1")
        try bench.copy(0..<1)
        let device = bench.device
        for _ in 0..<30 {
            let task = Task { try await device.virtualChannel(0).nextCompleted(upTo: 1) }
            if Bool.random() { await Task.yield() }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
        // The channel can be waited for again.
        try device.view.setFaults("")
        #expect(try await bench.channel.nextCompleted(upTo: 1).count == 1)
    }

    @Test func aStopEndsAWait() async throws {
        let (bench, task) = try await waitForever()
        try bench.device.stop()
        await #expect(throws: OperationError(.notStarted, .invalidArgument)) { try await task.value }
    }

    @Test func aHaltEndsAWait() async throws {
        let (bench, task) = try await waitForever()
        try bench.device.view.setFaults("halt=1")
        await #expect(throws: OperationError(.halted, .ioError)) { try await task.value }
    }

    /// A device whose only operation never ends, and a task that waits for it.
    private func waitForever() async throws -> (FaultBench, Task<VirtualChannel.Completions, any Error>) {
        let driver = try faultDevice(FaultPlan(parsing: "freeze=1"))
        let bench = try FaultBench(driver: driver)
        try bench.copy(0..<1)
        let device = bench.device
        let task = Task {
            while true {
                // One of the looks below can be that of the moment.
                do { return try await device.virtualChannel(0).nextCompleted(upTo: 1) } catch let error as DMAError
                    where error.code == .busy
                { await Task.yield() }
            }
        }
        // A second wait is refused as soon as there is the first.
        while true {
            do throws(DMAError) {
                try driver.notifyOfCompletion(on: 0) {}()
            } catch {
                if error.code == .busy { return (bench, task) }
                throw error
            }
            await Task.yield()
        }
    }
}

/// Set by one task, read by another one.
private final class Flag: Sendable {
    let isSet = Atomic(false)
}
