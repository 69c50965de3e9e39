import ArgumentParser
import DMADev
import DeviceDrivers

extension DeviceSpecification {
    /// For `--device`.
    static func argument(_ text: String) throws -> DeviceSpecification {
        do throws(Failure) {
            return try DeviceSpecification(text)
        } catch {
            throw ValidationError("\(error)")
        }
    }
}

extension DMADevice {
    /// Makes the device ready and starts it, with channels that copy within this process.
    func start(vchanCount: UInt16, descriptorCount: UInt16) throws(DMAError) {
        try configure(DeviceConfiguration(virtualChannelCount: vchanCount))
        for vchan in 0..<vchanCount {
            try setUpVirtualChannel(
                vchan, configuration: VirtualChannelConfiguration(descriptorCount: descriptorCount))
        }
        try start()
    }

    /// The number of descriptors that the device takes and that is nearest to `wanted`.
    func descriptorCount(near wanted: UInt16) -> UInt16 {
        min(max(wanted, properties.minimumDescriptorCount), properties.maximumDescriptorCount)
    }
}
