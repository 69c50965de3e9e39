import Conformance
import DMADev
import DMAEngine
import ExampleDriver
import Testing

@Suite struct ExampleDriverTests {
    static let kit = ConformanceKit { made in
        try made.registry.add(ExampleDevice(engine: Engine()), named: made.name)
    }

    @Test("The example driver of the guide conforms", arguments: ConformanceKit.runs)
    func conforms(run: ConformanceRun) throws {
        try Self.kit.run(run)
    }
}
