import ArgumentParser
import CommandSupport
import DMADev
import DeviceDrivers

extension DeviceSpecification {
    /// Parses the value of `--device`.
    package static func argument(_ text: String) throws -> DeviceSpecification {
        do throws(Failure) {
            return try DeviceSpecification(text)
        } catch {
            throw ValidationError("\(error)")
        }
    }
}

extension Capabilities {
    /// The capabilities that a copy within this process needs.
    package static let localCopies: Capabilities = [.copy, .sva, .mem2mem]
}

extension DMADevice {
    /// Creates a command's device; without a specification, a software device.
    static func make(
        _ specification: DeviceSpecification?, with capabilities: Capabilities
    ) throws(Failure) -> DMADevice {
        let device: DMADevice
        do throws(DeviceSpecification.Failure) {
            let standard = try DeviceSpecification("software")
            device = try DeviceFactory.make([specification ?? standard], in: .shared)[0]
        } catch {
            throw Failure("\(error): change --device")
        }
        let missing = capabilities.subtracting(device.properties.capabilities)
        guard missing.isEmpty else {
            let names = missing.names.joined(separator: ", ")
            throw Failure("device \(device.name) lacks the capability \(names): choose another --device")
        }
        return device
    }

    /// Runs control calls on the device and turns an error into a ``Failure``.
    ///
    /// - Parameter options: the options that the failure names for the user to change.
    func refusing<Value>(_ options: String, _ body: () throws(DMAError) -> Value) throws(Failure) -> Value {
        do throws(DMAError) {
            return try body()
        } catch {
            throw Failure("the device rejected the call: \(error.message): change \(options)")
        }
    }

    /// Configures and starts the device, with channels that copy within this process. Rings have `descriptorCount`
    /// descriptors, or the nearest number that the device supports.
    ///
    /// - Returns: the number of descriptors in a ring.
    @discardableResult
    package func start(vchanCount: UInt16, descriptorCount wanted: UInt16 = 1024) throws(DMAError) -> UInt16 {
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
