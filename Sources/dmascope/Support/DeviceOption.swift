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

extension Capabilities {
    /// What a device must do to copy within this process.
    static let localCopies: Capabilities = [.copy, .sva, .mem2mem]
}

extension DMADevice {
    /// Makes the device ready and starts it, with channels that copy within this process, their rings of 1024
    /// descriptors or the nearest number that the device takes.
    func start(vchanCount: UInt16) throws(DMAError) {
        let descriptorCount = min(max(1024, properties.minimumDescriptorCount), properties.maximumDescriptorCount)
        try configure(DeviceConfiguration(virtualChannelCount: vchanCount))
        for vchan in 0..<vchanCount {
            try setUpVirtualChannel(
                vchan, configuration: VirtualChannelConfiguration(descriptorCount: descriptorCount))
        }
        try start()
    }
}
