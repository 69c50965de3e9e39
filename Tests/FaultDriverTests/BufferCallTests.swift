import DMADev
import DMAEngine
import SoftwareDriver
import SystemPackage
import TestSupport
import Testing

/// Calls with buffers instead of addresses.
@Suite struct BufferCallTests {
    private func start(_ capabilities: Capabilities) throws -> DMADevice {
        var options = SoftwareDevice.Options()
        options.capabilities = capabilities
        let device = try DeviceRegistry().add(SoftwareDevice(engine: Engine(), options: options), named: "dma0")
        try device.configure(DeviceConfiguration(virtualChannelCount: 1))
        try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 32))
        try device.start()
        return device
    }

    private func finish(_ channel: VirtualChannel) throws {
        try channel.submit()
        try #require(channel.statuses(1) == [.successful])
    }

    @Test(arguments: [true, false]) func rangesOfBuffersAreMoved(hasSVA: Bool) throws {
        var capabilities = SoftwareDevice.Options().capabilities
        if !hasSVA { capabilities.remove(.sva) }
        let device = try start(capabilities)
        let (source, destination) = (try device.makeBuffer(byteCount: 4096), try device.makeBuffer(byteCount: 8192))
        let channel = try device.virtualChannel(0)
        if !hasSVA {
            #expect(throws: OperationError(.notMapped, .invalidArgument)) {
                try channel.copy(from: source, to: destination)
            }
        }
        try device.map(source)
        try device.map(destination)
        try channel.fill(source, pattern: 0x0706_0504_0302_0100)
        try finish(channel)
        try channel.copy(from: source, to: destination)
        try finish(channel)
        try channel.copy(from: source, sourceOffset: 1, to: destination, destinationOffset: 8190, byteCount: 2)
        try finish(channel)
        #expect(destination.bytes[4095] == 7 && destination.bytes[4096] == 0)
        #expect(destination.bytes[8190] == 1 && destination.bytes[8191] == 2)
        if !hasSVA {
            try device.unmap(source)
            #expect(throws: OperationError(.notMapped, .invalidArgument)) {
                try channel.copy(from: source, to: destination)
            }
            #expect(throws: DMAError.self) { try device.unmap(source) }
        }
        try device.stop()
    }

    /// A new device can have the address and the number of a closed one.
    @Test func aNewDeviceHasMappedNothing() throws {
        var capabilities = SoftwareDevice.Options().capabilities
        capabilities.remove(.sva)
        let buffer = try DeviceBuffer(byteCount: 4096)
        for _ in 0..<20 {
            let device = try start(capabilities)
            #expect(buffer.address(on: device) == nil)
            try device.map(buffer)
            #expect(buffer.address(on: device) != nil)
            try device.stop()
            try device.close()
        }
    }

    @Test func rangesOutsideOfABufferAreRefused() throws {
        let device = try start(SoftwareDevice.Options().capabilities)
        let (source, destination) = (try device.makeBuffer(byteCount: 100), try device.makeBuffer(byteCount: 4096))
        let channel = try device.virtualChannel(0)
        let error = OperationError(.outOfBounds, .invalidArgument)
        for (from, to, count) in [
            (-1, 0, nil), (0, -1, nil), (0, 4096, nil), (100, 0, nil), (101, 0, 1), (0, 0, 101), (1, 0, 100),
            (0, 4000, 97),
            (0, 0, 0), (0, 0, -1), (0, 0, .max), (.max, 0, 1), (.min, 0, 1), (0, .max, .max),
        ] as [(Int, Int, Int?)] {
            #expect(throws: error, "\(from) \(to) \(count as Any)") {
                try channel.copy(
                    from: source, sourceOffset: from, to: destination, destinationOffset: to, byteCount: count)
            }
            if from != 0 {
                #expect(throws: error, "\(from)") {
                    try channel.fill(source, offset: from, pattern: 0, byteCount: count)
                }
            }
        }
        #expect(try channel.burstCapacity == 32)
        try device.stop()
    }
}
