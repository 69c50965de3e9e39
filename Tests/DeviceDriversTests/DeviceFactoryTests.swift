import DMADev
import Testing

@testable import DeviceDrivers

@Suite struct DeviceFactoryTests {
    private func make(_ texts: String..., in registry: DeviceRegistry = DeviceRegistry()) throws -> [DMADevice] {
        try DeviceFactory.make(texts.map { try DeviceSpecification($0) }, in: registry)
    }

    @Test func everyDriverOfTheTableMakesADeviceThatCanBeStarted() throws {
        let controller = try RunningController()
        for driver in DriverTable.all {
            let device = try make(controller.specification(of: driver.name))[0]
            #expect(device.properties.driver == driver.name)
            try device.configure(DeviceConfiguration(virtualChannelCount: 1))
            try device.setUpVirtualChannel(
                0,
                configuration: VirtualChannelConfiguration(descriptorCount: device.properties.minimumDescriptorCount))
            try device.start()
            try device.stop()
        }
    }

    @Test func everyKeyReachesTheDevice() throws {
        let device = try make(
            "software,name=x,engine=e,vchans=3,max-desc=100,min-desc=7,max-sges=5,capabilities=mem2mem+copy")[0]
        let properties = device.properties
        #expect(device.name == "x")
        #expect(properties.maximumVirtualChannelCount == 3)
        #expect(properties.maximumDescriptorCount == 100)
        #expect(properties.minimumDescriptorCount == 7)
        #expect(properties.maximumEntryCount == 5)
        #expect(properties.capabilities == [.mem2mem, .copy])
        #expect(try make("software,capabilities=0x700000011")[0].properties.capabilities.rawValue == 0x7_0000_0011)
    }

    @Test func faultsArePlannedInFrontOfAnyDriver() throws {
        let device = try make(
            "fault,inner=software,name=f,vchans=3,fail=1:bus_error+3:data_poison,every=2:page_fault")[0]
        #expect(device.name == "f")
        #expect(device.properties.maximumVirtualChannelCount == 3)
        try device.configure(DeviceConfiguration(virtualChannelCount: 1))
        try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 32))
        try device.start()
        let channel = try device.virtualChannel(0)
        var memory: UInt64 = 0
        try withUnsafeMutablePointer(to: &memory) { pointer in
            let address = UInt64(UInt(bitPattern: pointer))
            for _ in 0..<5 { try channel.fill(address, pattern: 7, length: 8, flags: .submit) }
            while try device.status(of: 0) == .active {}
        }
        #expect(memory == 7)
        #expect(
            device.view.counters(of: 0)?.statuses == [
                .busError: 1, .pageFault: 2, .dataPoison: 1, .successful: 1,
            ])
        try device.stop()
    }

    @Test func aDeviceOfAControllerNeedsOne() throws {
        let missing = #expect(throws: DeviceSpecification.Failure.self) { try make("controller") }
        #expect(missing?.description.contains("socket= is missing") == true)
        let wrong = #expect(throws: DeviceSpecification.Failure.self) { try make("controller,socket=/nowhere/control") }
        #expect(wrong?.description.contains("no controller is at /nowhere/control") == true)
    }

    @Test func unnamedDevicesGetTheFirstFreeNames() throws {
        let registry = DeviceRegistry()
        let devices = try make("software", "software,name=dma0", "software", in: registry)
        #expect(devices.map(\.name) == ["dma1", "dma0", "dma2"])
        #expect(try make("software", in: registry).map(\.name) == ["dma3"])
    }

    @Test func devicesShareTheEngineThatTheyBothName() throws {
        let devices = try make("software,engine=e0", "software,engine=e1", "software,engine=e0", "software", "software")
        #expect(devices.map(\.properties.sharesEngine) == [true, false, true, false, false])
    }

    @Test func anEngineRunsOnTheProcessorsThatAreGiven() throws {
        let allowed = try #require(try make("software")[0].view.engines.first?.processors)
        let first = String(allowed.prefix { $0.isNumber })
        func processors(_ devices: [DMADevice]) -> [String?] { devices.map { $0.view.engines.first?.processors } }
        #expect(try processors(make("software,cpus=\(first),vchans=3")) == [first])
        // A device gives them for the others with its engine, and a list has commas.
        #expect(
            try processors(
                make("software,engine=e", "fault,engine=e,cpus=\(first),\(first)", "software,cpus=\(allowed)"))
                == [first, first, allowed])
        let absent = #expect(throws: DeviceSpecification.Failure.self) { try make("software,cpus=8191") }
        #expect(
            absent?.description
                == "device dma0: cpus=8191: the processors that this process may use are \(allowed)")
        let two = #expect(throws: DeviceSpecification.Failure.self) {
            try make("software,engine=e,cpus=\(first)", "software,engine=e,cpus=8191")
        }
        #expect(
            two?.description
                == "device dma1: cpus=8191: another device gives the engine e cpus=\(first); they must be equal")
    }

    @Test func anEngineIdlesAsItIsTold() throws {
        func idling(_ devices: [DMADevice]) -> [String?] { devices.map { $0.view.engines.first?.idling } }
        #expect(
            try idling(make("software", "software,idle=spin", "fault,idle=adaptive")) == ["sleep", "spin", "adaptive"])
        #expect(try idling(make("software,engine=e", "software,engine=e,idle=adaptive")) == ["adaptive", "adaptive"])
        let two = #expect(throws: DeviceSpecification.Failure.self) {
            try make("software,engine=e,idle=spin", "software,engine=e,idle=sleep")
        }
        #expect(
            two?.description
                == "device dma1: idle=sleep: another device gives the engine e idle=spin; they must be equal")
    }

    @Test func aNameIsTakenOnce() throws {
        let registry = DeviceRegistry()
        #expect(throws: DeviceSpecification.Failure.self) {
            try make("software,name=a", "software,name=a", in: registry)
        }
        #expect(registry.devices.isEmpty)
        _ = try make("software,name=a", in: registry)
        #expect(throws: DeviceSpecification.Failure.self) { try make("software,name=a", in: registry) }
    }

    @Test func aDeviceThatCannotBeMadeLeavesNoneBehind() throws {
        let registry = DeviceRegistry()
        let failure = #expect(throws: DeviceSpecification.Failure.self) {
            try make("software", "software,min-desc=20,max-desc=10", in: registry)
        }
        #expect(failure?.description == "device dma1: min-desc=20 is more than max-desc=10")
        #expect(registry.devices.isEmpty)
        #expect(throws: DeviceSpecification.Failure.self) {
            try make("software", "software", in: DeviceRegistry(maximumDeviceCount: 1))
        }
    }

    @Test func fewerDescriptorsThanUsualNeedNoMinimum() throws {
        #expect(try make("software,max-desc=4")[0].properties.minimumDescriptorCount == 4)
    }
}
