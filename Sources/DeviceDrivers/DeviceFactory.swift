public import DMADev
internal import SystemPackage

/// Makes devices from specifications.
public enum DeviceFactory {
    /// Makes the devices and adds them to a registry, in their order: all of them, or none.
    ///
    /// Devices without a name get the first free one of dma0, dma1…. Devices of one call with the same engine name
    /// share it.
    ///
    /// - Throws: ``DeviceSpecification/Failure`` for a repeated name, or an error of the driver or the registry.
    @discardableResult
    public static func make(
        _ specifications: [DeviceSpecification], in registry: DeviceRegistry
    ) throws(DeviceSpecification.Failure) -> [DMADevice] {
        let names = try names(of: specifications, besides: registry.devices.map(\.name))
        let engines = EngineSet(for: specifications)
        var devices: [DMADevice] = []
        for (specification, name) in zip(specifications, names) {
            do throws(DMAError) {
                devices.append(try registry.add(try specification.driver.make(specification, engines), named: name))
            } catch {
                // They are not started, so they can be closed.
                for device in devices { try? device.close() }
                throw DeviceSpecification.Failure("device \(name): \(error.message)", error.errno)
            }
        }
        return devices
    }

    private static func names(
        of specifications: [DeviceSpecification], besides existing: [String]
    ) throws(DeviceSpecification.Failure) -> [String] {
        var taken = Set(existing)
        for case let name? in specifications.map(\.name) {
            guard taken.insert(name).inserted else {
                throw DeviceSpecification.Failure("two devices cannot both have the name \(name)", .fileExists)
            }
        }
        var number = 0
        return specifications.map { specification in
            if let name = specification.name { return name }
            while !taken.insert("dma\(number)").inserted { number += 1 }
            return "dma\(number)"
        }
    }
}
