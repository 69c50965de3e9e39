import DMADev
import SystemPackage
import Testing

/// The library's checks: before the driver sees the call, in DPDK's order, each with a sentence.
@Suite struct ValidationTests {
    typealias Channel = VirtualChannelConfiguration

    /// Records unless the call is refused so, with these words, and the driver does not hear of it.
    private func refuses(
        _ errno: Errno, _ words: String, code: DMAError.Code = .invalidArgument, _ driver: RecordingDriver,
        sourceLocation: SourceLocation = #_sourceLocation, _ call: () throws -> Void
    ) {
        let error = #expect(throws: DMAError.self, sourceLocation: sourceLocation, performing: call)
        #expect(error?.errno == errno, sourceLocation: sourceLocation)
        #expect(error?.code == code, sourceLocation: sourceLocation)
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")", sourceLocation: sourceLocation)
        #expect(driver.takeCalls() == [], sourceLocation: sourceLocation)
    }

    @Test("A configuration is refused for what no device takes, then for what this one does not take")
    func configurations() throws {
        let driver = RecordingDriver(.offering(.strictPriority, priorityCount: 4))
        let device = try DMADevice.alone(driver)
        let rows: [(DeviceConfiguration, words: String)] = [
            // Wrong in several ways: the argument that is wrong on any device is named first.
            (DeviceConfiguration(virtualChannelCount: 0, priority: 9, flags: [.init(rawValue: 4)]), "flags 0x4"),
            (DeviceConfiguration(virtualChannelCount: 0, priority: 9, flags: .silent), "takes 1 to 3"),
            (DeviceConfiguration(virtualChannelCount: 4), "4 virtual channels: the device takes 1 to 3"),
            (DeviceConfiguration(virtualChannelCount: 1, priority: 4), "priority 4: the device takes 0 to 3"),
            (DeviceConfiguration(virtualChannelCount: 1, priority: 4, flags: .silent), "priority"),
            (DeviceConfiguration(virtualChannelCount: 1, flags: .silent), "lacks the capability silent"),
            (DeviceConfiguration(virtualChannelCount: 1, flags: .enqueueDequeue), "lacks the capability enq_deq"),
        ]
        for row in rows { refuses(.invalidArgument, row.words, driver) { try device.configure(row.0) } }
        #expect(device.view.configuration == nil)

        let good = DeviceConfiguration(virtualChannelCount: 3, priority: 3)
        try device.configure(good)
        #expect(driver.takeCalls() == [.configure(good)])
    }

    @Test("A device without priorities takes priority 0 only; modes need their capabilities")
    func modes() throws {
        let plain = RecordingDriver()
        let device = try DMADevice.alone(plain)
        refuses(.invalidArgument, "takes only 0", plain) {
            try device.configure(DeviceConfiguration(virtualChannelCount: 1, priority: 1))
        }
        let able = RecordingDriver(.offering([.silent, .enqueueDequeue]))
        let both = DeviceConfiguration(virtualChannelCount: 1, flags: [.silent, .enqueueDequeue])
        try DMADevice.alone(able).configure(both)
        #expect(able.takeCalls() == [.configure(both)])
    }

    @Test("A channel is refused for its arguments alone even where the device is not configured")
    func argumentsAlone() throws {
        let driver = RecordingDriver(.offering([.mem2dev, .dev2mem, .dev2dev, .interProcessDomain, .interOSDomain]))
        let device = try DMADevice.alone(driver)
        let port = Port.pcie(PCIePort(core: 7))
        let process = InterDomain(type: .process, sourceHandler: 1)
        func to(_ port: PCIePort) -> Channel {
            Channel(direction: .mem2dev, descriptorCount: 0, destinationPort: .pcie(port))
        }
        let rows: [(Channel, words: String)] = [
            (Channel(direction: .init(rawValue: 4), descriptorCount: 0), "direction 4: 0 to 3"),
            (Channel(direction: .init(rawValue: -1), descriptorCount: 0), "direction -1"),
            (Channel(descriptorCount: 0, sourcePort: Port(type: .init(rawValue: 2))), "port type"),
            (Channel(descriptorCount: 0, destinationPort: Port(type: .init(rawValue: -1))), "port type"),
            (to(PCIePort(core: 16)), "coreid 16: 0 to 15"),
            (to(PCIePort(pasid: 0x10_0000)), "pasid 1048576: 0 to 1048575"),
            (to(PCIePort(attributes: 8)), "attr 8: 0 to 7"),
            (to(PCIePort(processingHint: 4)), "ph 4: 0 to 3"),
            (Channel(descriptorCount: 0, domain: InterDomain(type: .init(rawValue: 3))), "domain type 3"),
            (Channel(descriptorCount: 0, sourcePort: port), "source port: a mem2mem channel has none"),
            (Channel(descriptorCount: 0, destinationPort: port), "destination port: a mem2mem channel has none"),
            (Channel(direction: .mem2dev, descriptorCount: 0), "destination port: a mem2dev channel has one"),
            (Channel(direction: .mem2dev, descriptorCount: 0, sourcePort: port), "source port"),
            (Channel(direction: .dev2mem, descriptorCount: 0), "source port: a dev2mem channel has one"),
            (Channel(direction: .dev2mem, descriptorCount: 0, sourcePort: port, destinationPort: port), "destination"),
            (Channel(direction: .dev2dev, descriptorCount: 0, sourcePort: port), "destination port: a dev2dev"),
            (Channel(direction: .dev2dev, descriptorCount: 0, destinationPort: port), "source port: a dev2dev"),
            (
                Channel(direction: .mem2dev, descriptorCount: 0, destinationPort: port, domain: process),
                "only a mem2mem channel crosses domains, this is mem2dev"
            ),
        ]
        for row in rows {
            refuses(.invalidArgument, row.words, driver) {
                try device.setUpVirtualChannel(9, configuration: row.0)
            }
        }
        refuses(.invalidArgument, "not configured", code: .notConfigured, driver) {
            try device.setUpVirtualChannel(9, configuration: Channel(descriptorCount: 0))
        }
    }

    @Test("A channel is refused for what the device does not take, and in which order")
    func againstTheDevice() throws {
        let driver = RecordingDriver()
        let device = try DMADevice.alone(driver)
        try device.configure(DeviceConfiguration(virtualChannelCount: 2))
        _ = driver.takeCalls()
        let port = Port(type: .pcie)
        let rows: [(UInt16, Channel, words: String)] = [
            (2, Channel(direction: .mem2dev, descriptorCount: 0, destinationPort: port), "channel 2: 0 to 1"),
            (
                0, Channel(direction: .mem2dev, descriptorCount: 0, destinationPort: port),
                "lacks the capability mem2dev"
            ),
            (0, Channel(direction: .dev2mem, descriptorCount: 0, sourcePort: port), "lacks the capability dev2mem"),
            (
                0, Channel(direction: .dev2dev, descriptorCount: 0, sourcePort: port, destinationPort: port),
                "lacks the capability dev2dev"
            ),
            (0, Channel(descriptorCount: 0, domain: InterDomain(type: .process)), "inter_process_domain"),
            (0, Channel(descriptorCount: 0, domain: InterDomain(type: .operatingSystem)), "inter_os_domain"),
            (0, Channel(descriptorCount: 9), "9 descriptors: the device takes 10 to 1000"),
            (0, Channel(descriptorCount: 1001, domain: InterDomain(type: .none, sourceHandler: 1)), "10 to 1000"),
            (0, Channel(descriptorCount: 10, domain: InterDomain(type: .none, destinationHandler: 1)), "domain type"),
        ]
        for row in rows {
            refuses(.invalidArgument, row.words, driver) {
                try device.setUpVirtualChannel(row.0, configuration: row.1)
            }
        }
        for count in [10, 1000] as [UInt16] {
            let good = Channel(descriptorCount: count)
            try device.setUpVirtualChannel(1, configuration: good)
            #expect(driver.takeCalls() == [.setUp(1, good)])
        }
    }

    @Test("A channel between domains needs a handler")
    func handlers() throws {
        let driver = RecordingDriver(.offering([.interProcessDomain, .interOSDomain]))
        let device = try DMADevice.alone(driver)
        try device.configure(DeviceConfiguration(virtualChannelCount: 1))
        _ = driver.takeCalls()
        for type in [InterDomainType.process, .operatingSystem] {
            refuses(.invalidArgument, "at least one handler", driver) {
                try device.setUpVirtualChannel(
                    0, configuration: Channel(descriptorCount: 10, domain: InterDomain(type: type)))
            }
        }
    }

    @Test("A started device is busy before any argument is looked at")
    func busy() throws {
        let driver = RecordingDriver()
        let device = try DMADevice.alone(driver)
        try device.begin(driver)
        refuses(.resourceBusy, "stop it before it is configured", code: .started, driver) {
            try device.configure(DeviceConfiguration(virtualChannelCount: 0, flags: [.init(rawValue: 64)]))
        }
        refuses(.resourceBusy, "stop it before it is set up", code: .started, driver) {
            try device.setUpVirtualChannel(
                .max, configuration: Channel(direction: .init(rawValue: 99), descriptorCount: 0))
        }
        refuses(.resourceBusy, "stop it before it is closed", code: .started, driver) { try device.close() }
    }

    @Test("A closed device refuses everything before anything else is looked at")
    func closed() throws {
        let driver = RecordingDriver()
        let device = try DMADevice.alone(driver)
        try device.begin(driver)
        try device.stop()
        try device.close()
        _ = driver.takeCalls()
        let calls: [() throws -> Void] = [
            { try device.configure(DeviceConfiguration(virtualChannelCount: 1)) },
            { try device.setUpVirtualChannel(0, configuration: Channel(descriptorCount: 10)) },
            { try device.start() }, { try device.stop() }, { try device.close() },
            { _ = try device.info }, { _ = try device.dump() }, { _ = try device.statistics },
            { _ = try device.statistics(of: 99) }, { _ = try device.status(of: 99) },
            { try device.resetStatistics() }, { try device.resetStatistics(of: 99) },
        ]
        for call in calls { refuses(.invalidArgument, "'alone', was closed", code: .noDevice, driver, call) }
    }

    @Test("A device starts once every configured channel is set up")
    func start() throws {
        let driver = RecordingDriver()
        let device = try DMADevice.alone(driver)
        refuses(.invalidArgument, "not configured", code: .notConfigured, driver) { try device.start() }
        try device.configure(DeviceConfiguration(virtualChannelCount: 3))
        for vchan in [0, 2] as [UInt16] {
            try device.setUpVirtualChannel(vchan, configuration: Channel(descriptorCount: 10))
        }
        _ = driver.takeCalls()
        refuses(.invalidArgument, "channel 1 of device 0 is not set up", code: .notConfigured, driver) {
            try device.start()
        }
    }

    @Test("Reading needs a channel that is configured")
    func channels() throws {
        let driver = RecordingDriver()
        let device = try DMADevice.alone(driver)
        let calls: [() throws -> Void] = [
            { _ = try device.statistics(of: 2) }, { _ = try device.status(of: 2) },
            { try device.resetStatistics(of: 2) }, { _ = try device.virtualChannel(2) },
        ]
        for call in calls { refuses(.invalidArgument, "is not configured", driver, call) }
        try device.begin(driver)
        for call in calls { refuses(.invalidArgument, "no virtual channel 2: it has 2", driver, call) }
    }
}
