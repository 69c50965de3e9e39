package import DMADev
package import DMAEngine

/// A device that copies and fills memory of its process: the example of the guide for writers of drivers.
package final class ExampleDevice: RingDriver {
    package let rings = DeviceRings(
        DeviceProperties(
            driver: "example", capabilities: [.mem2mem, .sva, .silent, .handlesErrors, .copy, .fill],
            maximumVirtualChannelCount: 4, maximumDescriptorCount: 4096, minimumDescriptorCount: 1,
            maximumEntryCount: 32))
    private let engine: Engine

    package init(engine: Engine) {
        self.engine = engine
    }

    package func makeRing(_ request: RingRequest) throws(DMAError) -> ApplicationRing {
        try request.ring(on: engine)
    }
}
