import DMADev
import DeviceDrivers

extension FuzzKind {
    /// Specifications of devices, one a line. What is valid becomes a device, if that needs no controller.
    static let device = FuzzKind(name: "device") { bytes in
        let lines = bytes.split(separator: UInt8(ascii: "\n"), maxSplits: 4).map { String(decoding: $0, as: UTF8.self) }
        var valid: [DeviceSpecification] = []
        for line in lines {
            do throws(DeviceSpecification.Failure) {
                valid.append(try DeviceSpecification(line))
            } catch {
                require(!error.description.isEmpty, "no reason for \(line)")
            }
        }
        guard !valid.isEmpty, !lines.contains(where: { $0.contains("controller") }) else { return }
        let registry = DeviceRegistry()
        guard let devices = try? DeviceFactory.make(valid, in: registry) else {
            return require(registry.devices.isEmpty, "some devices were made, and an error was thrown")
        }
        require(devices.count == valid.count, "\(devices.count) devices of \(valid.count)")
        for device in devices { use(device) }
        require(registry.devices.isEmpty, "a closed device is in the registry")
    }

    /// One channel and one fill, as far as the device has the capabilities, and the end.
    private static func use(_ device: DMADevice) {
        var word: UInt64 = 0
        withUnsafeMutableBytes(of: &word) { bytes in
            try? fill(bytes, device)
            // Stopped before the memory goes.
            prepared { try device.stop() }
        }
        prepared { try device.close() }
    }

    private static func fill(_ bytes: UnsafeMutableRawBufferPointer, _ device: DMADevice) throws {
        let limits = try device.info.properties
        let count = min(max(limits.minimumDescriptorCount, 2), limits.maximumDescriptorCount)
        try device.configure(DeviceConfiguration(virtualChannelCount: 1))
        try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: count))
        try device.start()
        let address = UInt64(UInt(bitPattern: bytes.baseAddress))
        try device.virtualChannel(0).fill(address, pattern: 1, length: UInt32(bytes.count), flags: .submit)
    }
}
