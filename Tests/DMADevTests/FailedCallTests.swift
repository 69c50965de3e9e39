import CDMADev
import DMADev
import SystemPackage
import Testing

/// The counters of failed calls.
@Suite struct FailedCallTests {
    let driver = RecordingDriver(
        .offering([.mem2mem, .copy, .copyScatterGather, .fill, .silent, .enqueueDequeue, .interProcessDomain]))
    let registry = DeviceRegistry()
    let device: DMADevice

    init() throws {
        device = try registry.add(driver, named: "dma0")
    }

    private func start(_ flags: ConfigurationFlags = []) throws -> VirtualChannel {
        try device.configure(DeviceConfiguration(virtualChannelCount: 1, flags: flags))
        try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 64))
        try device.start()
        return try device.virtualChannel(0)
    }

    private func fails(
        _ reason: OperationError.Reason, _ call: String, count: UInt64 = 1,
        sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
    ) {
        let error = #expect(throws: OperationError.self, sourceLocation: sourceLocation, performing: body)
        #expect(error?.reason == reason, sourceLocation: sourceLocation)
        let entry = registry.failedCalls(last: 1).first
        #expect(entry?.call == call && entry?.count == count, sourceLocation: sourceLocation)
        #expect(entry?.reason == reason.message, sourceLocation: sourceLocation)
        #expect(entry?.vchan == 0 && entry?.device == 0, sourceLocation: sourceLocation)
    }

    @Test("A poll that fails without end does not replace the failure that explains it")
    func floods() throws {
        let channel = try start()
        #expect(throws: DMAError.self) { try device.close() }
        fails(.zeroLength, "copy") { try channel.copy(from: 1, to: 2, length: 0) }
        try device.stop()
        for _ in 0..<100_000 { _ = try? channel.completed(upTo: 1) }
        fails(.notStarted, "completed", count: 100_001) { _ = try channel.completed(upTo: 1) }
        let all = registry.failedCalls()
        #expect(all.map(\.call) == ["completed", "copy", "close"])
        #expect(all.map(\.count) == [100_001, 1, 1])
        #expect(all[0].first < all[0].last && all[1].first == all[1].last && all[1].first <= all[0].first)
        #expect(registry.failedCallCount == 100_003)
    }

    @Test("Control calls have a bounded history, in which the kind that failed longest ago is replaced")
    func controlHistory() throws {
        for vchan in 0..<300 { _ = try? device.statistics(of: UInt16(vchan)) }
        #expect(registry.failedCalls().count == 1, "one sentence: the device is not configured")
        _ = try start()
        for vchan in 1..<301 { _ = try? device.statistics(of: UInt16(vchan)) }
        let all = registry.failedCalls(last: .max)
        #expect(all.count == 256 && registry.failedCallCount == 600)
        #expect(all.first?.reason.contains("channel 300") == true && all.last?.reason.contains("channel 45:") == true)
    }

    @Test("Failed look-ups of a registry are counted, with the number that was asked for")
    func lookups() {
        _ = try? registry.device(9)
        _ = try? registry.device(9)
        _ = try? registry.device(named: "nope")
        _ = try? registry.add(RecordingDriver(), named: "dma0")
        _ = try? device.virtualChannel(3)
        let all = registry.failedCalls()
        #expect(
            all.map(\.call) == ["vchan_lookup", "device_added", "get_dev_id_by_name", "device_lookup"])
        #expect(all.map(\.device) == [0, -1, -1, 9])
        #expect(all.map(\.count) == [1, 1, 1, 2])
    }

    @Test("Reads through a view are not calls of the application")
    func views() throws {
        _ = try start()
        #expect(throws: DMAError.self) { try device.view.statistics(of: 9) }
        #expect(throws: DMAError.self) { try device.view.status(of: 9) }
        #expect(throws: DMAError.self) { try registry.view(of: 9) }
        #expect(registry.failedCallCount == 0)
        #expect(registry.views.map(\.name) == ["dma0"])
    }

    @Test("The counts of a device stay when it is closed")
    func closed() throws {
        let channel = try start()
        for _ in 0..<5 { _ = try? channel.copy(from: 1, to: 2, length: 0) }
        try device.stop()
        try device.close()
        #expect(registry.failedCallCount == 5)
        #expect(registry.failedCalls().map(\.count) == [5])
        #expect(throws: OperationError(.closed, .invalidArgument)) { try channel.submit() }
    }

    @Test("Calls of a mode that the device is not in say so, empty ones too")
    func modes() throws {
        let channel = try start()
        fails(.wrongMode, "enqueue_ops") { try channel.enqueue(UnsafeBufferPointer(start: nil, count: 0)) }
        fails(.wrongMode, "dequeue_ops") {
            _ = try channel.dequeue(into: UnsafeMutableBufferPointer(start: nil, count: 0))
        }
        try device.stop()
        fails(.notStarted, "completed_status") {
            _ = try channel.completedStatus(into: UnsafeMutableBufferPointer(start: nil, count: 0))
        }
        fails(.notStarted, "enqueue_ops") { try channel.enqueue(UnsafeBufferPointer(start: nil, count: 0)) }
        fails(.notStarted, "dequeue_ops") {
            _ = try channel.dequeue(into: UnsafeMutableBufferPointer(start: nil, count: 0))
        }
    }

    @Test("A fill takes no handler for a source, which it does not have")
    func fillSource() throws {
        let channel = try start()
        _ = driver.takeCalls()
        fails(.fillSource, "fill") {
            try channel.fill(1, pattern: 2, length: 3, flags: .source(5, of: .process))
        }
        #expect(driver.takeCalls() == [])
        try channel.fill(1, pattern: 2, length: 3, flags: .destination(5, of: .process))
    }

    @Test("Two threads count without loss")
    func threads() async throws {
        let channel = try start()
        let device = device
        try await withThrowingTaskGroup { group in
            for _ in 0..<2 {
                group.addTask {
                    let channel = try device.virtualChannel(0)
                    for _ in 0..<20_000 { _ = try? channel.copy(from: 1, to: 2, length: 0) }
                }
            }
            try await group.waitForAll()
        }
        fails(.zeroLength, "copy", count: 40_001) { try channel.copy(from: 1, to: 2, length: 0) }
    }
}
