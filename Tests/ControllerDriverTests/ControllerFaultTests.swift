import ControllerDriver
import DMADev
import DMAEngine
import FaultDriver
import SystemPackage
import TestSupport
import Testing

@testable import Conformance

/// Faults that a controller's engine makes on the rings of one device, in a process of its own.
@Suite struct ControllerFaultTests {
    private final class Bench {
        let device: DMADevice
        let channel: VirtualChannel
        private let host: ControllerHost
        private let buffer: SharedBuffer
        private let iova: UInt64

        init(_ host: ControllerHost, _ plan: String?, named name: String) throws {
            self.host = host
            let driver = try ControllerDevice(path: host.path)
            if let plan { _ = try FaultDevice.make(driver, plan: FaultPlan(parsing: plan)) }
            device = try DeviceRegistry().add(driver, named: name)
            try device.configure(DeviceConfiguration(virtualChannelCount: 1))
            try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 32))
            try device.start()
            channel = try device.virtualChannel(0)
            buffer = try driver.memory.allocate(byteCount: 8192)
            iova = try device.mapMemory(buffer.bytes)
        }

        func copy(_ count: Int) throws {
            for _ in 0..<count { try channel.copy(from: iova, to: iova + 4096, length: 64) }
            try channel.submit()
        }

        func statuses(_ count: Int) throws -> [CompletionStatus] { try channel.statuses(count) }

        func end() throws {
            try device.stop()
            try device.close()
        }
    }

    @Test func failuresAreThoseOfThePlanAndOfNoOtherDevice() throws {
        let host = try ControllerHost()
        let faulty = try Bench(host, "fail=2:bus_error,every=5:page_fault", named: "faulty")
        let healthy = try Bench(host, nil, named: "healthy")
        #expect(try faulty.device.info.properties.driver == "fault")
        for _ in 0..<2 {
            try healthy.copy(10)
            #expect(try healthy.statuses(10).allSatisfy { $0 == .successful })
        }
        try faulty.copy(6)
        #expect(
            try faulty.statuses(6)
                == [.successful, .busError, .successful, .successful, .pageFault, .successful])
        // Numbers go on over stops and starts.
        try faulty.device.stop()
        try faulty.device.start()
        try faulty.copy(4)
        #expect(try faulty.statuses(4) == [.successful, .successful, .successful, .pageFault])
        #expect(faulty.device.view.counters(of: 0)?.statuses == [.successful: 7, .busError: 1, .pageFault: 2])
        try faulty.end()
        try healthy.end()
    }

    @Test func aDelayedCompletionComesWithoutADoorbell() throws {
        let bench = try Bench(ControllerHost(), "delay=20ms", named: "late")
        try bench.copy(3)
        #expect(try bench.channel.completed(upTo: 3).count == 0)
        #expect(try bench.statuses(3).allSatisfy { $0 == .successful })
        try bench.end()
    }

    @Test func aFrozenRingIsStoppedAndAHaltedDeviceAnswersWithEIO() throws {
        let host = try ControllerHost()
        let frozen = try Bench(host, "freeze=3", named: "frozen")
        try frozen.copy(5)
        #expect(try frozen.statuses(2).allSatisfy { $0 == .successful })
        #expect(try frozen.device.status(of: 0) == .active)
        // The application reads the times that the engine in the other process publishes.
        try eventually("the channel is stuck") {
            frozen.device.view.progress(of: 0).state(stuckAfter: .milliseconds(50)) == .stuck
        }
        let progress = frozen.device.view.progress(of: 0)
        #expect(try #require(progress.lastCompletionAge) <= #require(progress.oldestOperationAge))
        #expect(frozen.device.view.engines.isEmpty)
        try frozen.device.stop()
        #expect(frozen.device.view.counters(of: 0)?.statuses == [.successful: 2, .userAbort: 3])
        try frozen.device.close()

        let halted = try Bench(host, "halt=2", named: "halted")
        try halted.copy(3)
        try eventually("the device is halted") { try halted.device.status(of: 0) == .haltedError }
        #expect(throws: OperationError(.halted, .ioError)) { try halted.copy(1) }
        #expect(try halted.statuses(1) == [.successful])
        #expect(throws: OperationError(.halted, .ioError)) { try halted.channel.completed(upTo: 1) }
        try halted.device.stop()
        try halted.device.start()
        try halted.copy(3)
        #expect(try halted.statuses(3).allSatisfy { $0 == .successful })
        try halted.end()
    }

    @Test func aPlanThatIsNoneIsRefusedByTheController() throws {
        let bench = try Bench(ControllerHost(), nil, named: "plain")
        try bench.end()
        let plan = FaultPlan(failures: (1...129).map { FaultPlan.Failure(.number($0), .busError) })
        #expect(throws: DMAError.self) {
            let device = try DeviceRegistry().add(
                FaultDevice.make(ControllerDevice(path: ControllerHost().path), plan: plan), named: "long")
            try device.configure(DeviceConfiguration(virtualChannelCount: 1))
            try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 32))
            try device.start()
        }
    }
}
