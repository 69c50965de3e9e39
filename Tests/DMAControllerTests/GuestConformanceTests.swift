import Conformance
import ControllerDriver
import DMAController
import DMADev
import TestSupport
import Testing

/// The devices of a guest, whose memory is in a region.
@Suite struct GuestConformanceTests {
    /// A controller with a guest, for all cases.
    private final class Host: Sendable {
        let directory: TemporaryDirectory
        let controller: DMAController
        let guest: StandInGuest

        init() throws {
            directory = try TemporaryDirectory()
            let region = try RegionFile(byteCount: 256 << 20)
            var configuration = ControllerConfiguration()
            configuration.osDomains = [OSDomain(name: "guest", memory: region.path)]
            controller = try DMAController.start(path: directory.file("control"), configuration: configuration)
            guest = try StandInGuest(controller, "guest", region, in: directory)
        }
    }

    private struct Memory: ConformanceMemory {
        let device: DMADevice

        func allocate(_ byteCount: Int) throws -> ConformanceBlock {
            // A case that has closed its device uses it no more, and wants memory nevertheless.
            guard (try? device.info) != nil else {
                let buffer = try DeviceBuffer(byteCount: byteCount)
                let base = try #require(buffer.bytes.baseAddress)
                return ConformanceBlock(base: base, deviceAddress: 0) { withExtendedLifetime(buffer) {} }
            }
            let buffer = try device.makeBuffer(byteCount: byteCount)
            let base = try #require(buffer.bytes.baseAddress)
            let iova = try device.mapMemory(buffer.bytes)
            return ConformanceBlock(base: base, deviceAddress: iova) { [device] in
                // A case may have closed its device.
                try? device.unmapMemory(iova: iova)
                withExtendedLifetime(buffer) {}
            }
        }
    }

    private static let host = Result { try Host() }
    private static let kit = ConformanceKit(
        variants: .sharedEngine, reachesFiles: false, makeMemory: { Memory(device: $0) },
        makeDevice: { made in
            try made.registry.add(ControllerDevice(path: host.get().guest.path), named: made.name)
        })

    @Test("A guest's devices conform", arguments: ConformanceKit.runs)
    func conforms(run: ConformanceRun) throws {
        try Self.kit.run(run)
    }

    @Test func itsDevicesReachOtherOperatingSystems() throws {
        let device = try DeviceRegistry().add(
            ControllerDevice(path: Self.host.get().guest.path), named: "guest")
        #expect(device.properties.capabilities.contains([.interOSDomain, .interProcessDomain]))
        #expect(!device.properties.capabilities.contains(.sva))
        #expect(throws: DMAError.self) { try device.mapMemory(DeviceBuffer(byteCount: 4096).bytes) }
    }
}
