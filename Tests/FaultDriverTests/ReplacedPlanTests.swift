import DMADev
import DMAEngine
import FaultDriver
import SoftwareDriver
import TestSupport
import Testing

/// Plans that are replaced while the device is started, as the telemetry command does.
@Suite struct ReplacedPlanTests {
    @Test func theNextOperationsFollowTheNewPlan() throws {
        let bench = try FaultBench()
        let channel = try bench.channel
        try bench.copy(0..<4)
        #expect(try channel.statuses(4) == Array(repeating: .successful, count: 4))
        try bench.device.view.setFaults("every=2:bus_error")
        try bench.copy(4..<8)
        #expect(try channel.statuses(4) == [.successful, .busError, .successful, .busError])
        try bench.device.view.setFaults("")
        try bench.copy(8..<12)
        #expect(try channel.statuses(4) == Array(repeating: .successful, count: 4))
    }

    @Test func aFrozenChannelGoesOnWithoutTheFreeze() throws {
        let bench = try FaultBench("freeze=3")
        let channel = try bench.channel
        try bench.copy(0..<4)
        #expect(try channel.statuses(2) == [.successful, .successful])
        #expect(try bench.device.status(of: 0) == .active)
        try bench.device.view.setFaults("")
        #expect(try channel.statuses(2) == [.successful, .successful])
    }

    @Test func aDelayBeginsAndEnds() throws {
        let bench = try FaultBench()
        let channel = try bench.channel
        try bench.copy(0..<2)
        #expect(try channel.statuses(2) == [.successful, .successful])
        try bench.device.view.setFaults("delay=3600s")
        try bench.copy(2..<4)
        try eventually("the operations are done") { bench.isCopied(3) }
        #expect(try channel.poll(2) == [])
        try bench.device.view.setFaults("")
        #expect(try channel.statuses(2) == [.successful, .successful])
    }

    @Test func aHaltedDeviceStaysHaltedUntilItIsStopped() throws {
        let bench = try FaultBench("halt=2")
        let channel = try bench.channel
        try bench.copy(0..<2)
        #expect(try channel.statuses(1) == [.successful])
        try eventually("it is halted") { try bench.device.status(of: 0) == .haltedError }
        try bench.device.view.setFaults("")
        #expect(throws: OperationError.self) { try bench.copy(2..<3) }
        try bench.device.stop()
        try bench.device.start()
        try bench.copy(2..<3)
        #expect(try channel.statuses(1) == [.successful])
    }

    @Test func badPlansAndOtherDevicesAreRefused() throws {
        let bench = try FaultBench("every=2:bus_error")
        for plan in [
            "every=0:bus_error", "path=/etc/passwd", "every", "delay=2h", "every=1:bus_error,every=2:bus_error",
        ] {
            #expect(throws: DMAError.self, "\(plan)") { try bench.device.view.setFaults(plan) }
        }
        // The plan is still the old one.
        try bench.copy(0..<2)
        #expect(try bench.channel.statuses(2) == [.successful, .busError])
        let plain = try bench.registry.add(SoftwareDevice(engine: Engine()), named: "plain")
        do throws(DMAError) {
            try plain.view.setFaults("")
            Issue.record("a device without faults has got some")
        } catch {
            #expect(error.code == .notSupported)
        }
    }
}
