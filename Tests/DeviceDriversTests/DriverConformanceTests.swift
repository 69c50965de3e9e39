import DMAController
import DMADev
import TestSupport
import Testing

@testable import Conformance
@testable import DeviceDrivers

/// Every driver of the table does what any driver must do; what its devices do not offer is skipped.
///
/// Drivers have tests of their own, with devices and rings of many shapes. Here it is the plain device, as a user gets it
/// from the driver's name.
@Suite struct DriverConformanceTests {
    @Test(arguments: DriverTable.all.map(\.name)) func plainDeviceConforms(driver: String) throws {
        let controller = try RunningController()
        let kit = ConformanceKit { made in
            let text = "\(controller.specification(of: driver)),name=\(made.name)"
            return try DeviceFactory.make([DeviceSpecification(text)], in: made.registry)[0]
        }
        let plain = ConformanceConfiguration.all[0]
        for run in ConformanceKit.runs where run.configuration == plain { try kit.run(run) }
    }
}

/// A controller for devices of the driver that needs one.
final class RunningController: Sendable {
    private let directory: TemporaryDirectory
    private let controller: DMAController

    init() throws {
        directory = try TemporaryDirectory()
        controller = try DMAController.start(path: directory.file("control"))
    }

    /// The shortest text that makes a device of a driver.
    func specification(of driver: String) -> String {
        driver == "controller" ? "controller,socket=\(controller.path)" : driver
    }
}
