import DMADev
import Testing

@testable import Conformance
@testable import DeviceDrivers

/// Every driver of the table does what any driver must do; what its devices do not offer is skipped.
///
/// Drivers have tests of their own, with devices and rings of many shapes. Here it is the plain device, as a user gets it
/// from the driver's name.
@Suite struct DriverConformanceTests {
    @Test(arguments: DriverTable.all.map(\.name)) func plainDeviceConforms(driver: String) throws {
        let kit = ConformanceKit { made in
            try DeviceFactory.make([DeviceSpecification("\(driver),name=\(made.name)")], in: made.registry)[0]
        }
        let plain = ConformanceConfiguration.all[0]
        for run in ConformanceKit.runs where run.configuration == plain { try kit.run(run) }
    }
}
