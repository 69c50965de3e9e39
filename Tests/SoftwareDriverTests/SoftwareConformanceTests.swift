import Conformance
import DMADev
import DMAEngine
import SoftwareDriver
import Testing

@Suite struct SoftwareConformanceTests {
    /// One for all devices that share.
    static let sharedEngine = Result { try Engine(name: "shared") }

    static let kit = kit(SoftwareDevice.capabilities)

    static func kit(_ capabilities: Capabilities) -> ConformanceKit {
        ConformanceKit { made in
            var options = SoftwareDevice.Options()
            options.capabilities = capabilities
            options.minimumDescriptorCount = 1
            options.maximumEntryCount = 64
            let engine = try made.sharesEngine ? sharedEngine.get() : Engine()
            return try made.registry.add(
                SoftwareDevice(engine: engine, options: options, sharesEngine: made.sharesEngine), named: made.name)
        }
    }

    @Test("The software driver conforms", arguments: ConformanceKit.runs)
    func conforms(run: ConformanceRun) throws {
        try Self.kit.run(run)
    }

    @Test("The kit skips nothing that the software driver offers")
    func skips() throws {
        for (name, reason) in try Self.kit.report() {
            guard case .lacks = reason else {
                #expect(ThreadSanitizer.isActive, "\(name): \(reason)")
                continue
            }
            Issue.record("\(name): \(reason)")
        }
    }
}
