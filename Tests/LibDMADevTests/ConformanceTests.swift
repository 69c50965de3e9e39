import DMADev
import TestSupport
import Testing

@testable import Conformance
@testable import DeviceDrivers

/// The devices of the C library do what any device must do, through its headers.
@Suite struct ConformanceTests {
    @Test(arguments: DriverTable.all.map(\.name))
    func conforms(driver: String) throws {
        let host = try driver == "controller" ? CController() : nil
        let kit = ConformanceKit { made in
            let specification = host.map { "controller,socket=\($0.path)" } ?? driver
            return try made.registry.add(ForwardingDriver(specification), named: made.name)
        }
        let plain = ConformanceConfiguration.all[0]
        var count = 0
        // Regions and exporters belong to a registry, and these to another one than the inner device; memory.c has them.
        let others = Set((regionCases + attachmentCases).map(\.name))
        for run in ConformanceKit.runs where run.configuration == plain && !others.contains(run.row.name) {
            do {
                if case .passed = try kit.run(run) { count += 1 }
            } catch {
                Issue.record("\(run): \(error)")
            }
        }
        #expect(count > (driver == "controller" ? 10 : 60), "\(count) cases ran")
    }
}
