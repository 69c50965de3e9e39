import CDMADev
import DMADev
import SystemPackage
import Testing

/// The call layer between applications and drivers.
@Suite struct DataPathTests {
    let driver: RecordingDriver
    let device: DMADevice
    let channel: VirtualChannel

    init() throws {
        driver = RecordingDriver()
        device = try DMADevice.alone(driver)
        try device.begin(driver)
        channel = try device.virtualChannel(1)
    }

    private func result(_ value: Int32) { driver.change { $0.result = value } }

    private func copy(_ from: [UInt32], _ to: [UInt32], flags: OperationFlags = []) throws(OperationError) -> RingIndex
    {
        func entries(_ lengths: [UInt32]) -> [ScatterGatherEntry] {
            lengths.map { ScatterGatherEntry(address: 0x1000, length: $0) }
        }
        return try entries(from).withUnsafeBufferPointer { from throws(OperationError) in
            try entries(to).withUnsafeBufferPointer { to throws(OperationError) in
                try channel.copy(from: from, to: to, flags: flags)
            }
        }
    }

    @Test("Each call reaches the driver with its arguments, and its result comes back")
    func passing() throws {
        result(0xFFFF)
        #expect(try channel.copy(from: .max, to: 7, length: .max, flags: [.fence, .lastLevelCache]) == 0xFFFF)
        #expect(try channel.fill(9, pattern: .max, length: 1, flags: .submit) == 0xFFFF)
        #expect(try copy([1, 0, 2], [3], flags: .fence) == 0xFFFF)
        #expect(try channel.burstCapacity == 0xFFFF)
        result(1)
        try channel.submit()
        let done = try channel.completed(upTo: 50)
        #expect((done.count, done.lastIndex, done.hasError) == (1, 41, true))
        var statuses = [CompletionStatus](repeating: .unknown, count: 70_000)
        let ended = try statuses.withUnsafeMutableBufferPointer { buffer in try channel.completedStatus(into: buffer) }
        #expect((ended.count, ended.lastIndex, ended.hasError) == (1, 42, false))
        #expect(statuses[..<2] == [.invalidSourceAddress, .unknown])
        #expect(
            driver.takeCalls() == [
                .copy(1, .max, 7, .max, 5), .fill(1, .max, 9, 1, 2), .copyLists(1, [1, 0, 2], [3], 1),
                .burstCapacity(1), .submit(1), .completed(1, 50), .completedStatus(1, 65_535),
            ])
    }

    @Test("What the library refuses never reaches the driver")
    func refusals() throws {
        let rows: [(OperationError.Reason, () throws -> RingIndex)] = [
            (.zeroLength, { try channel.copy(from: 1, to: 2, length: 0) }),
            (.zeroLength, { try channel.fill(1, pattern: 2, length: 0) }),
            (.flag, { try channel.copy(from: 1, to: 2, length: 3, flags: .autoFree) }),
            (.flag, { try channel.fill(1, pattern: 2, length: 3, flags: [.submit, .init(rawValue: 1 << 4)]) }),
            (.flag, { try copy([1], [1], flags: .init(rawValue: 1 << 63)) }),
            (.unequalLists, { try copy([1], [2]) }),
            (.unequalLists, { try copy([], [1]) }),
            (.unequalLists, { try copy([.max, 2], [1]) }),
            (.tooManyEntries, { try copy([0, 0, 0, 0, 1], [1]) }),
            (.tooManyEntries, { try copy([1], [0, 0, 0, 0, 1]) }),
        ]
        for (reason, call) in rows {
            let error = #expect(throws: OperationError(reason, .invalidArgument)) { _ = try call() }
            #expect(error?.description.contains(" ") == true)
        }
        #expect(driver.takeCalls() == [])
        // The most that is allowed.
        _ = try copy([1, 0, 2, 1], [0, 4, 0, 0])
        _ = try copy([], [])
        #expect(driver.takeCalls().count == 2)
    }

    @Test("An observed driver gets every call of the application")
    func observed() throws {
        var properties = DeviceProperties.plain
        properties.isObserved = true
        let driver = RecordingDriver(properties)
        let device = try DMADevice.alone(driver)
        try device.begin(driver)
        let path = device.callLayerArgument
        driver.change { $0.result = 3 }
        #expect(dmadev_call_copy(path, 9, 1, 2, 0, .max) == 3)
        #expect(dmadev_call_fill(path, .max, 1, 2, 0, 1 << 40) == 3)
        var entry = dmadev_sge(addr: 1, length: 5, reserved: 0)
        #expect(dmadev_call_copy_sg(path, 1, &entry, nil, 1, 0, 1 << 63) == 3)
        #expect(dmadev_call_submit(path, 9) == 3)
        #expect(dmadev_call_burst_capacity(path, 9) == 3)
        var (last, hasError) = (UInt16(0), false)
        #expect(dmadev_call_completed(path, 9, 7, &last, &hasError) == 3)
        #expect(
            driver.takeCalls() == [
                .copy(9, 1, 2, 0, .max), .fill(.max, 1, 2, 0, 1 << 40), .copyLists(1, [5], [], 1 << 63), .submit(9),
                .burstCapacity(9), .completed(9, 7),
            ])
    }

    @Test("A driver's errno comes back with a reason")
    func errors() throws {
        let rows: [(Int32, OperationError)] = [
            (-28, OperationError(.ringFull, .noSpace)), (-5, OperationError(.halted, .ioError)),
            (-22, OperationError(.other, .invalidArgument)), (-95, OperationError(.notSupported, .notSupported)),
        ]
        for (value, error) in rows {
            result(value)
            #expect(throws: error) { try channel.copy(from: 1, to: 2, length: 3) }
            #expect(throws: error) { try channel.fill(1, pattern: 2, length: 3) }
            #expect(throws: error) { try channel.submit() }
            #expect(throws: error) { _ = try channel.completed(upTo: 1) }
            #expect(throws: error) { _ = try channel.burstCapacity }
        }
    }

    @Test("A stopped device answers by itself, and its channels work again after a start")
    func stopped() throws {
        try device.stop()
        _ = driver.takeCalls()
        #expect(throws: OperationError(.notStarted, .invalidArgument)) { try channel.copy(from: 1, to: 2, length: 3) }
        #expect(throws: OperationError(.notStarted, .invalidArgument)) { try copy([1], [1]) }
        #expect(throws: OperationError(.notStarted, .invalidArgument)) { _ = try channel.completed(upTo: 3) }
        #expect(driver.takeCalls() == [])
        try device.start()
        try channel.submit()
        #expect(driver.takeCalls() == [.start, .submit(1)])
    }

    @Test("A channel that a new configuration no longer has answers with an error")
    func fewerChannels() throws {
        try device.stop()
        try device.begin(driver, channels: 1)
        #expect(throws: OperationError(.noSuchChannel, .invalidArgument)) { try channel.submit() }
        #expect(throws: OperationError(.noSuchChannel, .invalidArgument)) {
            try channel.copy(from: 1, to: 2, length: 3)
        }
        #expect(driver.takeCalls() == [])
    }

    @Test("What a driver leaves out is not supported; what it can do more is let through")
    func capabilities() throws {
        var properties = DeviceProperties.plain
        properties.capabilities = [.mem2mem, .copy, .autoFree]
        let driver = RecordingDriver(properties)
        let device = try DMADevice.alone(driver)
        try device.begin(driver)
        let channel = try device.virtualChannel(0)
        #expect(throws: OperationError(.notSupported, .notSupported)) { try channel.fill(1, pattern: 2, length: 3) }
        #expect(throws: OperationError(.notSupported, .notSupported)) {
            try channel.copy(
                from: UnsafeBufferPointer(start: nil, count: 0), to: UnsafeBufferPointer(start: nil, count: 0))
        }
        try channel.copy(from: 1, to: 2, length: 3, flags: .autoFree)
        #expect(driver.takeCalls() == [.copy(0, 1, 2, 3, 8)])
    }
}
