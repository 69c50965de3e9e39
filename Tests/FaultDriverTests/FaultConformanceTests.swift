import Conformance
import DMADev
import DMAEngine
import FaultDriver
import SoftwareDriver
import Testing

@Suite struct FaultConformanceTests {
    /// One for all devices that share.
    static let sharedEngine = Result { try Engine(name: "shared") }

    static let kit = ConformanceKit { made in
        var options = SoftwareDevice.Options()
        options.minimumDescriptorCount = 1
        options.maximumEntryCount = 64
        let engine = try made.sharesEngine ? sharedEngine.get() : Engine()
        let inner = try SoftwareDevice(engine: engine, options: options, sharesEngine: made.sharesEngine)
        return try made.registry.add(FaultDevice.make(inner), named: made.name)
    }

    @Test("A software device with an empty plan conforms", arguments: ConformanceKit.runs)
    func conforms(run: ConformanceRun) throws {
        try Self.kit.run(run)
    }
}
