import DMADev
import Dispatch
import SystemPackage
import Testing

/// What control calls make of a device.
@Suite struct DeviceLifeTests {
    static let refusal = DMAError(.system, .ioError, "the hardware is on fire")

    @Test("A device's life reaches the driver call by call")
    func life() throws {
        let driver = RecordingDriver()
        let device = try DMADevice.alone(driver)
        #expect(driver.change { $0.calls } == [.registered(0)])
        let configuration = DeviceConfiguration(virtualChannelCount: 1)
        let channel = VirtualChannelConfiguration(descriptorCount: 12)
        try device.configure(configuration)
        try device.setUpVirtualChannel(0, configuration: channel)
        #expect(device.view.configuration?.channels == [channel])
        for _ in 0..<2 { try device.start() }
        for _ in 0..<2 { try device.stop() }
        try device.close()
        #expect(driver.takeCalls() == [.configure(configuration), .setUp(0, channel), .start, .stop, .close])
    }

    @Test("What a driver refuses has not happened")
    func refusals() throws {
        let driver = RecordingDriver()
        let registry = DeviceRegistry()
        let device = try registry.add(driver, named: "burning")
        func refused(_ call: () throws -> Void, sourceLocation: SourceLocation = #_sourceLocation) {
            driver.change { $0.failure = Self.refusal }
            let error = #expect(throws: DMAError.self, sourceLocation: sourceLocation, performing: call)
            #expect(error?.errno == .ioError, sourceLocation: sourceLocation)
            driver.change { $0.failure = nil }
        }
        let channel = VirtualChannelConfiguration(descriptorCount: 12)
        refused { try device.configure(DeviceConfiguration(virtualChannelCount: 1)) }
        #expect(device.view.configuration == nil)
        try device.configure(DeviceConfiguration(virtualChannelCount: 1))
        refused { try device.setUpVirtualChannel(0, configuration: channel) }
        #expect(device.view.configuration?.channels == [nil])
        try device.setUpVirtualChannel(0, configuration: channel)
        refused { try device.start() }
        #expect(try !device.info.isStarted)
        #expect(throws: OperationError(.notStarted, .invalidArgument)) { try device.virtualChannel(0).submit() }
        try device.start()
        refused { try device.stop() }
        try device.stop()
        refused { try device.close() }
        #expect(registry.isValid(device.id))
        #expect(try device.info.name == "burning")
        try device.close()
        #expect(!registry.isValid(device.id))
    }

    @Test("A new configuration forgets the channels, and keeps the old one when it is refused")
    func reconfiguration() throws {
        let driver = RecordingDriver()
        let device = try DMADevice.alone(driver)
        try device.begin(driver)
        try device.stop()
        #expect(throws: DMAError.self) { try device.configure(DeviceConfiguration(virtualChannelCount: 7)) }
        #expect(try device.info.virtualChannelCount == 2)
        try device.start()
        try device.stop()
        try device.configure(DeviceConfiguration(virtualChannelCount: 3))
        #expect(device.view.configuration?.channels == [nil, nil, nil])
    }

    @Test("Control calls from many threads reach the driver one at a time")
    func threads() throws {
        let driver = RecordingDriver()
        let device = try DMADevice.alone(driver)
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            for round in 0..<400 {
                // Each may be refused for what the others have just done; none may be seen by the driver out of turn.
                switch (thread + round) % 5 {
                case 0: try? device.configure(DeviceConfiguration(virtualChannelCount: 1))
                case 1:
                    try? device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 10))
                case 2: try? device.start()
                case 3: try? device.stop()
                default: _ = try? (device.info, device.statistics, device.dump(), device.status(of: 0))
                }
            }
        }
        #expect(driver.overlapCount == 0)
        // What the driver has seen is a possible life: never configured, set up or started while it was started.
        var (isConfigured, isSetUp, isStarted) = (false, false, false)
        for call in driver.takeCalls() {
            switch call {
            case .configure:
                #expect(!isStarted)
                (isConfigured, isSetUp) = (true, false)
            case .setUp:
                #expect(isConfigured && !isStarted)
                isSetUp = true
            case .start:
                #expect(isSetUp && !isStarted)
                isStarted = true
            default:
                #expect(call == .stop && isStarted)
                isStarted = false
            }
        }
    }

    @Test("One of many threads closes a device")
    func closing() throws {
        let registry = DeviceRegistry()
        for _ in 0..<200 {
            let driver = RecordingDriver()
            let device = try registry.add(driver, named: "once")
            DispatchQueue.concurrentPerform(iterations: 4) { _ in try? device.close() }
            #expect(driver.takeCalls() == [.close])
        }
        #expect(registry.count == 0)
    }
}
