import ControllerDriver
import DMADev
import DMAEngine
import FaultDriver
import Glibc
import SystemPackage
import TestSupport
import Testing

/// Waiting for completions of an engine in another process.
@Suite struct ControllerWaitingTests {
    private final class Bench: Sendable {
        let driver: ControllerDevice
        let device: DMADevice
        let buffer: DeviceBuffer
        private let registry = DeviceRegistry()

        init(_ host: ControllerHost, _ plan: String? = nil, vchans: UInt16 = 1) throws {
            driver = try ControllerDevice(path: host.path)
            if let plan { _ = try FaultDevice.make(driver, plan: FaultPlan(parsing: plan)) }
            device = try registry.add(driver, named: "dma0")
            try device.configure(DeviceConfiguration(virtualChannelCount: vchans))
            for vchan in 0..<vchans {
                try device.setUpVirtualChannel(
                    vchan, configuration: VirtualChannelConfiguration(descriptorCount: 64))
            }
            try device.start()
            buffer = try device.makeBuffer(byteCount: 1 << 16)
            try device.map(buffer)
        }

        func copy(_ byteCount: Int = 64, on vchan: UInt16 = 0, flags: OperationFlags = .submit) throws {
            try device.virtualChannel(vchan).copy(
                from: buffer, to: buffer, destinationOffset: 1 << 15, byteCount: byteCount, flags: flags)
        }

        /// A task that waits for an operation that never ends.
        func waitForever() async throws -> Task<VirtualChannel.Completions, any Error> {
            try copy()
            let task = Task {
                while true {
                    // One of the looks below can be that of the moment.
                    do { return try await self.device.virtualChannel(0).nextCompleted(upTo: 1) } catch let error
                        as DMAError
                        where error.code == .busy
                    { await Task.yield() }
                }
            }
            // A second wait is refused as soon as there is the first.
            while true {
                do throws(DMAError) {
                    try driver.notifyOfCompletion(on: 0) {}()
                } catch {
                    if error.code == .busy { return task }
                    throw error
                }
                await Task.yield()
            }
        }

        deinit {
            try? device.stop()
            try? device.close()
        }
    }

    @Test func aWaitEndsWithTheCompletionOrTheFailure() async throws {
        let host = try ControllerHost()
        let bench = try Bench(host, "delay=20ms,fail=4:bus_error")
        for _ in 0..<4 { try bench.copy() }
        let channel = try bench.device.virtualChannel(0)
        var taken = 0
        while taken < 3 { taken += try await channel.nextCompleted(upTo: 32).count }
        let failed = try await channel.nextCompleted(upTo: 32)
        #expect(taken == 3 && failed.count == 0 && failed.hasError)
    }

    @Test func nothingToWaitForIsAnError() async throws {
        let host = try ControllerHost()
        let bench = try Bench(host)
        let channel = try bench.device.virtualChannel(0)
        try bench.copy(flags: [])
        await #expect(throws: DMAError.self) { try await channel.nextCompleted(upTo: 1) }
        try channel.submit()
        #expect(try await channel.nextCompleted(upTo: 1).count == 1)
        try bench.device.stop()
        await #expect(throws: OperationError.self) { try await channel.nextCompleted(upTo: 1) }
        await #expect(throws: DMAError.self) { try await channel.waitForCompletion() }
    }

    /// No wake-up is lost, with several channels of one connection, and a second device.
    @Test func randomWaitsAllEnd() async throws {
        let host = try ControllerHost()
        let benches = [try Bench(host, vchans: 2), try Bench(host, vchans: 2)]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (number, bench) in benches.enumerated() {
                for vchan in 0..<2 as Range<UInt16> {
                    group.addTask { try await Self.work("waits of ring \(number).\(vchan)", bench, vchan) }
                }
            }
            try await group.waitForAll()
        }
    }

    private static func work(_ name: String, _ bench: Bench, _ vchan: UInt16) async throws {
        var random = SeededGenerator(for: name)
        let channel = try bench.device.virtualChannel(vchan)
        var (submitted, taken) = (0, 0)
        while submitted < 1000 {
            for _ in 0..<Int.random(in: 1...8, using: &random) where try channel.burstCapacity > 0 {
                let count = Int.random(in: 1...(Bool.random(using: &random) ? 64 : 16384), using: &random)
                try bench.copy(count, on: vchan, flags: [])
                submitted += 1
            }
            try channel.submit()
            for _ in 0..<Int.random(in: 0...20, using: &random) { await Task.yield() }
            repeat { taken += try await channel.nextCompleted(upTo: 64).count } while try channel.burstCapacity == 0
        }
        while taken < submitted { taken += try await channel.nextCompleted(upTo: 64).count }
        #expect(taken == submitted)
    }

    @Test func cancellationEndsAWait() async throws {
        let host = try ControllerHost()
        let bench = try Bench(host, "freeze=2")
        try bench.copy()
        #expect(try await bench.device.virtualChannel(0).nextCompleted(upTo: 1).count == 1)
        try bench.copy()
        for _ in 0..<20 {
            let task = Task { try await bench.device.virtualChannel(0).nextCompleted(upTo: 1) }
            if Bool.random() { await Task.yield() }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
    }

    @Test func aStopEndsAWaitAndTheNextStartHasAnotherOne() async throws {
        let host = try ControllerHost()
        let bench = try Bench(host, "freeze=1")
        let task = try await bench.waitForever()
        try bench.device.stop()
        await #expect(throws: OperationError(.notStarted, .invalidArgument)) { try await task.value }
        try bench.device.view.setFaults("")
        try bench.device.start()
        try bench.copy()
        #expect(try await bench.device.virtualChannel(0).nextCompleted(upTo: 1).count == 1)
    }

    @Test func aHaltEndsAWait() async throws {
        let host = try ControllerHost()
        let bench = try Bench(host, "delay=20ms,halt=1")
        try bench.copy()
        let channel = try bench.device.virtualChannel(0)
        await #expect(throws: OperationError(.halted, .ioError)) { try await channel.nextCompleted(upTo: 1) }
    }

    @Test func theEndOfTheControllerEndsAWait() async throws {
        let host = try ControllerHost()
        let bench = try Bench(host, "freeze=1")
        let task = try await bench.waitForever()
        host.program.kill(SIGKILL)
        await #expect(throws: OperationError(.halted, .ioError)) { try await task.value }
        try host.program.wait()
        let channel = try bench.device.virtualChannel(0)
        await #expect(throws: OperationError(.halted, .ioError)) { try await channel.nextCompleted(upTo: 1) }
        // Only a poll returns the error.
        try await channel.waitForCompletion()
    }
}
