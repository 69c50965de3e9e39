import Conformance
import DMADev
import DMAEngine
import Dispatch
import SoftwareDriver
import SystemPackage
import Testing

@Suite struct SoftwareDeviceTests {
    private func expect(
        refusing words: String, sourceLocation: SourceLocation = #_sourceLocation,
        _ change: (inout SoftwareDevice.Options) -> Void
    ) throws {
        var options = SoftwareDevice.Options()
        change(&options)
        let engine = try Engine()
        let error = #expect(throws: DMAError.self, sourceLocation: sourceLocation) {
            _ = try SoftwareDevice(engine: engine, options: options)
        }
        #expect(error?.errno == .invalidArgument, sourceLocation: sourceLocation)
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")", sourceLocation: sourceLocation)
    }

    @Test("Options beyond what the driver can do are refused with what is allowed")
    func options() throws {
        try expect(refusing: "capabilities 0x400") { $0.capabilities.insert(.interOSDomain) }
        try expect(refusing: "capabilities 0x8000000000000000") { $0.capabilities = Capabilities(rawValue: 1 << 63) }
        try expect(refusing: "takes 1 to 1024") { $0.maximumVirtualChannelCount = 0 }
        try expect(refusing: "takes 1 to 1024") { $0.maximumVirtualChannelCount = 1025 }
        try expect(refusing: "1 to 32768") { $0.maximumDescriptorCount = 32_769 }
        try expect(refusing: "1 to 32768") { $0.minimumDescriptorCount = 0 }
        try expect(refusing: "100 to 99") { ($0.minimumDescriptorCount, $0.maximumDescriptorCount) = (100, 99) }
        try expect(refusing: "1 to 64") { $0.maximumEntryCount = 0 }
        try expect(refusing: "1 to 64") { $0.maximumEntryCount = 65 }
    }

    @Test("A device shows the options that it was made with")
    func properties() throws {
        var options = SoftwareDevice.Options()
        options.capabilities = [.mem2mem, .fill]
        (options.maximumVirtualChannelCount, options.maximumEntryCount) = (1024, 64)
        (options.minimumDescriptorCount, options.maximumDescriptorCount) = (1, 32_768)
        let properties = try SoftwareDevice(engine: Engine(), options: options, sharesEngine: true).properties
        #expect(
            properties
                == DeviceProperties(
                    driver: "software", capabilities: [.mem2mem, .fill], maximumVirtualChannelCount: 1024,
                    maximumDescriptorCount: 32_768, minimumDescriptorCount: 1, maximumEntryCount: 64,
                    sharesEngine: true))
    }

    /// Parts of what the driver can do.
    static let parts: [Capabilities] = [
        [.mem2mem, .sva, .copy], [.mem2mem, .sva, .handlesErrors, .fill],
        [.mem2mem, .handlesErrors, .copyScatterGather],
        [.mem2mem],
    ]

    @Test("A device that offers a part conforms in that part, and the kit skips just the rest", arguments: parts)
    func masked(capabilities: Capabilities) throws {
        let kit = SoftwareConformanceTests.kit(capabilities)
        for (name, reason) in try kit.report() {
            guard case .lacks(let missing) = reason else { continue }
            #expect(!missing.isEmpty && missing.isDisjoint(with: capabilities), "\(name): \(missing.names)")
        }
        for run in ConformanceKit.runs where run.isFirst { try kit.run(run) }
    }

    @Test("Two devices on one engine work at the same time, each for its thread")
    func sharing() throws {
        let (engine, registry) = (try Engine(name: "both"), DeviceRegistry())
        let devices = try (0..<2).map { index in
            let device = try registry.add(SoftwareDevice(engine: engine, sharesEngine: true), named: "dma\(index)")
            try device.configure(DeviceConfiguration(virtualChannelCount: 1))
            try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 64))
            try device.start()
            return device
        }
        DispatchQueue.concurrentPerform(iterations: 2) { index in
            #expect(throws: Never.self) { () throws in try Self.work(on: devices[index], seed: UInt64(index) << 32) }
        }
        for device in devices {
            #expect(try device.statistics == Statistics(submitted: 64_000, completed: 64_000))
            try device.stop()
            try device.close()
        }
    }

    /// Fills, and copies of what was filled, a thousand rings full.
    private static func work(on device: DMADevice, seed: UInt64) throws {
        let channel = try device.virtualChannel(0)
        let memory = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: 64)
        defer { memory.deallocate() }
        let base = UInt64(UInt(bitPattern: memory.baseAddress))
        for round in 0..<1000 as Range<UInt64> {
            memory.initialize(repeating: 0)
            for slot in 0..<32 as Range<UInt64> {
                try channel.fill(base + slot * 8, pattern: seed + round * 32 + slot, length: 8)
                try channel.copy(from: base + slot * 8, to: base + (slot + 32) * 8, length: 8, flags: .fence)
            }
            try channel.submit()
            var left = 64
            while left > 0 { left -= try channel.completed(upTo: UInt16(left)).count }
            let expected = (0..<32).map { seed + round * 32 + $0 }
            if Array(memory) != expected + expected { Issue.record("round \(round)") }
        }
    }

    @Test("A device that is dropped while it works takes its rings off the engine")
    func dropped() throws {
        let engine = try Engine()
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 1 << 20, alignment: 64)
        defer { memory.deallocate() }
        for _ in 0..<50 {
            let device = try DeviceRegistry().add(SoftwareDevice(engine: engine), named: "dropped")
            try device.configure(DeviceConfiguration(virtualChannelCount: 2))
            for vchan in 0..<2 as Range<UInt16> {
                try device.setUpVirtualChannel(vchan, configuration: VirtualChannelConfiguration(descriptorCount: 32))
            }
            try device.start()
            let channel = try device.virtualChannel(1)
            for _ in 0..<10 {
                try channel.fill(UInt64(UInt(bitPattern: memory)), pattern: 1, length: 1 << 20, flags: .submit)
            }
        }
    }

    @Test("Device memory holds what was written, where it was written; what stands there is read")
    func deviceMemory() throws {
        let (near, far) = (try #require(DeviceMemory(byteCount: 64)), try #require(DeviceMemory(byteCount: 64)))
        var options = SoftwareDevice.Options()
        options.deviceMemory = [PCIePort(core: 1): near, PCIePort(core: 2): far]
        let device = try DeviceRegistry().add(SoftwareDevice(engine: Engine(), options: options), named: "ports")
        func configuration(
            _ direction: TransferDirection, from: UInt8? = nil, to: UInt8? = nil
        ) -> VirtualChannelConfiguration {
            func port(_ number: UInt8?) -> Port { number.map { .pcie(PCIePort(core: $0, steeringTag: 5)) } ?? .none }
            return VirtualChannelConfiguration(
                direction: direction, descriptorCount: 32, sourcePort: port(from), destinationPort: port(to))
        }
        try device.configure(DeviceConfiguration(virtualChannelCount: 3))
        try device.setUpVirtualChannel(0, configuration: configuration(.mem2dev, to: 1))
        try device.setUpVirtualChannel(1, configuration: configuration(.dev2dev, from: 1, to: 2))
        try device.setUpVirtualChannel(2, configuration: configuration(.dev2mem, from: 2))
        try device.start()
        func run(_ vchan: UInt16, from: UInt64, to: UInt64) throws {
            let channel = try device.virtualChannel(vchan)
            try channel.copy(from: from, to: to, length: 8, flags: .submit)
            while try device.status(of: vchan) != .idle {}
            #expect(try channel.completed(upTo: 1).count == 1)
        }
        var value: UInt64 = 0x0102_0304_0506_0708
        try withUnsafeMutableBytes(of: &value) { value in
            let address = UInt64(UInt(bitPattern: value.baseAddress))
            try run(0, from: address, to: 3)
            #expect(near.bytes[3..<11].elementsEqual(value))
            #expect(near.bytes[..<3].allSatisfy { $0 == 0 } && near.bytes[11...].allSatisfy { $0 == 0 })
            near.bytes[3] = 0xEE
            try run(1, from: 3, to: 56)
            #expect(far.bytes[56...].elementsEqual(near.bytes[3..<11]))
            #expect(far.bytes[..<56].allSatisfy { $0 == 0 })
            far.bytes[63] = 0xDD
            try run(2, from: 56, to: address)
            #expect(value.elementsEqual(far.bytes[56...]))
        }
        try device.stop()
    }

    @Test("A channel has its counters in full as soon as it is set up, and for good")
    func details() throws {
        let device = try DeviceRegistry().add(SoftwareDevice(engine: Engine()), named: "details")
        #expect(device.view.counters(of: 0) == nil)
        try device.configure(DeviceConfiguration(virtualChannelCount: 1))
        try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 32))
        #expect(device.view.counters(of: 0)?.statuses == [:])
        try device.configure(DeviceConfiguration(virtualChannelCount: 1))
        #expect(device.view.counters(of: 0) != nil)
        #expect(device.view.counters(of: 1) == nil)
    }
}
