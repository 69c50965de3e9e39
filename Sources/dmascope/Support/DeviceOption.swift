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
    /// Makes the device of a command that has one; without a specification a software device.
    static func make(
        _ specification: DeviceSpecification?, with capabilities: Capabilities
    ) throws(Failure) -> DMADevice {
        let device: DMADevice
        do throws(DeviceSpecification.Failure) {
            let usual = try DeviceSpecification("software")
            device = try DeviceFactory.make([specification ?? usual], in: .shared)[0]
        } catch {
            throw Failure("\(error): change --device")
        }
        let missing = capabilities.subtracting(device.properties.capabilities)
        guard missing.isEmpty else {
            let names = missing.names.joined(separator: ", ")
            throw Failure("device \(device.name) lacks the capability \(names): name another --device")
        }
        return device
    }

    /// Runs control calls on the device.
    ///
    /// - Parameter options: what to change when the device refuses.
    func refusing<Value>(_ options: String, _ body: () throws(DMAError) -> Value) throws(Failure) -> Value {
        do throws(DMAError) {
            return try body()
        } catch {
            throw Failure("the device refuses: \(error.message): change \(options)")
        }
    }

    /// Makes the device ready and starts it, with channels that copy within this process, their rings of that many
    /// descriptors or the nearest number that the device takes.
    ///
    /// - Returns: how many descriptors a ring has.
    @discardableResult
    func start(vchanCount: UInt16, descriptorCount wanted: UInt16 = 1024) throws(DMAError) -> UInt16 {
        let descriptorCount = min(max(wanted, properties.minimumDescriptorCount), properties.maximumDescriptorCount)
        try configure(DeviceConfiguration(virtualChannelCount: vchanCount))
        for vchan in 0..<vchanCount {
            try setUpVirtualChannel(
                vchan, configuration: VirtualChannelConfiguration(descriptorCount: descriptorCount))
        }
        try start()
        return descriptorCount
    }
}
