import CDMADev
import DMADev
import SoftwareDriver
import DMAEngine
import FaultDriver
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@Suite struct OutageTests {
    // MARK: Delay

    @Test("A delayed completion is not visible before its time, and then it is", arguments: [100, 5_000, 30_000])
    func delays(microseconds: Int) throws {
        let bench = try FaultBench("fail=2:bus_error,delay=\(microseconds)us")
        let channel = try bench.channel
        for _ in 0..<5 {
            let begin = MonotonicTime.now
            try bench.copy(0..<3)
            try eventually("the first completion") {
                let found = try channel.completed(upTo: 1).count
                // The moment after the poll is the latest at which it can have been visible.
                if found == 1 { #expect(MonotonicTime.now.nanoseconds(since: begin) >= UInt64(microseconds) * 1000) }
                return found == 1
            }
            #expect(try channel.statuses(2).count == 2)
        }
        let latency = try bench.details.latency
        #expect(latency.count == 15)
        #expect(latency.sum >= UInt64(microseconds) * 15 * 999)
    }

    @Test("While it is delayed, an operation counts as running")
    func isActiveMeanwhile() throws {
        let bench = try FaultBench("delay=3600s")
        try bench.copy(0..<3)
        try eventually("the operations run") { (0..<3).allSatisfy(bench.isCopied) }
        #expect(try bench.device.status(of: 0) == .active)
        #expect(try bench.channel.completed(upTo: 3).count == 0)
        #expect(try bench.channel.poll(3).isEmpty)
        #expect(try bench.channel.burstCapacity == 61)
        #expect(bench.device.view.ringUse(of: 0)?.running == 3)
        // They are done: that counts, although they are not visible.
        try eventually("the operations are counted") {
            try bench.device.statistics == Statistics(submitted: 3, completed: 3)
        }
        #expect(try bench.device.status(of: 0) == .active)
        try bench.device.stop()
        #expect(try bench.device.statistics == Statistics(submitted: 3, completed: 3))
        #expect(try bench.details.engine.bytes == 24)
    }

    // MARK: Freeze

    @Test("A frozen channel ends what was before, then nothing more until it is stopped")
    func freezes() throws {
        let bench = try FaultBench("freeze=4", vchans: 2)
        let channel = try bench.channel
        try bench.copy(0..<6)
        #expect(try channel.statuses(3) == [.successful, .successful, .successful])
        // The other channel works: time enough for the frozen one to do wrong.
        let other = try bench.device.virtualChannel(1)
        for index in 100..<103 {
            try bench.copy(index, on: other, .submit)
            #expect(try other.statuses(1) == [.successful])
        }
        for index in 6..<67 { try bench.copy(index, on: channel, .submit) }
        #expect(throws: OperationError(.ringFull, .noSpace)) { try bench.copy(67, on: channel) }
        #expect(try channel.burstCapacity == 0)
        #expect(try channel.poll(64).isEmpty)
        #expect(try bench.device.status(of: 0) == .active)
        #expect(try bench.device.status(of: 1) == .idle)
        #expect(try bench.device.statistics(of: 0) == Statistics(submitted: 67, completed: 3))
        try bench.device.stop()
        #expect(try bench.device.statistics(of: 0) == Statistics(submitted: 67, completed: 67, errors: 64))
        #expect(try bench.details.statuses == [.successful: 3, .userAbort: 64])
        for index in 0..<67 { #expect(bench.isCopied(index) == (index < 3)) }
        // The stop has healed it.
        try bench.device.start()
        try bench.copy(0..<64)
        #expect(try channel.statuses(64).allSatisfy { $0 == .successful })
    }

    @Test("A sticky freeze is there again after each start")
    func staysFrozen() throws {
        let bench = try FaultBench("freeze=2:sticky")
        try bench.copy(0..<3)
        #expect(try bench.channel.statuses(1) == [.successful])
        for round in 1...3 as ClosedRange<UInt64> {
            try bench.device.stop()
            try bench.device.start()
            try bench.copy(5..<8)
            #expect(try bench.channel.poll(3).isEmpty)
            #expect(try bench.device.status(of: 0) == .active)
            #expect(
                try bench.device.statistics
                    == Statistics(submitted: 3 + 3 * round, completed: 3 * round, errors: 3 * round - 1))
        }
        #expect(!bench.isCopied(5))
    }

    // MARK: Halt

    private let halted = OperationError(.halted, .ioError)

    private func waitUntilHalted(_ bench: FaultBench) throws {
        try eventually("the device is halted") { try bench.device.status(of: 0) == .haltedError }
    }

    /// Every data call but the polls of a channel whose device is halted.
    private func expectNothingWorks(_ channel: VirtualChannel, _ bench: FaultBench) {
        #expect(throws: halted) { try bench.copy(0, on: channel) }
        #expect(throws: halted) { try channel.fill(bench.destination(0), pattern: 0, length: 8) }
        var entry = ScatterGatherEntry(address: bench.source(0), length: 8)
        withUnsafeMutablePointer(to: &entry) { pointer in
            let list = UnsafeBufferPointer(start: UnsafePointer(pointer), count: 1)
            #expect(throws: halted) { try channel.copy(from: list, to: list) }
        }
        #expect(throws: halted) { try channel.submit() }
        #expect(throws: halted) { try channel.burstCapacity }
    }

    @Test("A halted device answers with EIO, hands out what was finished before, and works after a restart")
    func halts() throws {
        let bench = try FaultBench("fail=2:bus_error,halt=4", vchans: 2)
        let channel = try bench.channel
        try bench.copy(0..<6)
        try waitUntilHalted(bench)
        #expect(try bench.device.status(of: 1) == .haltedError)
        expectNothingWorks(channel, bench)
        let other = try bench.device.virtualChannel(1)
        expectNothingWorks(other, bench)
        #expect(throws: halted) { try other.poll(1) }
        #expect(try channel.completed(upTo: 8).count == 1)
        #expect(try channel.completed(upTo: 8).hasError)
        #expect(try channel.poll(8) == [.busError, .successful])
        #expect(throws: halted) { try channel.completed(upTo: 8) }
        #expect(throws: halted) { try channel.poll(8) }
        for index in 0..<6 { #expect(bench.isCopied(index) == (index == 0 || index == 2)) }
        #expect(try bench.device.statistics == Statistics(submitted: 6, completed: 3, errors: 1))

        try bench.device.stop()
        #expect(try bench.device.status(of: 0) == .idle)
        #expect(try bench.device.statistics == Statistics(submitted: 6, completed: 6, errors: 4))
        try bench.device.start()
        try bench.copy(0..<64)
        #expect(try channel.statuses(64).allSatisfy { $0 == .successful })
        #expect(try bench.device.status(of: 0) == .idle)
    }

    @Test("A halt comes after what stood before it is visible, be it late")
    func haltsAfterDelay() throws {
        let bench = try FaultBench("delay=5ms,halt=3")
        try bench.copy(0..<3)
        try waitUntilHalted(bench)
        #expect(try bench.channel.poll(3) == [.successful, .successful])
    }

    @Test("A sticky halt is there from the start after a restart")
    func staysHalted() throws {
        let bench = try FaultBench("halt=2:sticky")
        try bench.copy(0..<2)
        try waitUntilHalted(bench)
        for _ in 0..<3 {
            try bench.device.stop()
            try bench.device.start()
            #expect(try bench.device.status(of: 0) == .haltedError)
            expectNothingWorks(try bench.channel, bench)
            #expect(throws: halted) { try bench.channel.poll(1) }
        }
        #expect(try bench.device.statistics == Statistics(submitted: 2, completed: 2, errors: 1))
    }

    @Test("A device has one plan")
    func onePlan() throws {
        let device = try faultDevice(FaultPlan(parsing: "halt=3"))
        #expect(throws: DMAError.self) { try FaultDevice.make(device, plan: FaultPlan(parsing: "fail=1:bus_error")) }
        #expect(throws: DMAError.self) { try faultDevice(FaultPlan(freeze: FaultPlan.Outage(from: 0))) }
    }

    @Test("A device that is dropped while it is frozen, delayed or halted leaves nothing behind")
    func dropped() throws {
        for text in ["freeze=2", "delay=3600s", "halt=2", ""] {
            var driver: SoftwareDevice? = try faultDevice(FaultPlan(parsing: text))
            weak let gone = driver
            var bench: FaultBench? = try FaultBench(driver: driver)
            driver = nil
            bench?.leavesDevice = true
            // Memory of its own: the operations may be under way when the bench goes.
            let channel = try bench?.channel
            // A device that is halted meanwhile refuses the rest.
            for _ in 0..<8 { _ = try? channel?.fill(0, pattern: 0, length: 8, flags: .submit) }
            bench = nil
            #expect(gone != nil, "the channel keeps its device")
            withExtendedLifetime(channel) {}
        }
    }
}
