import CPeers
import DMADev
import DMAEngine
import SoftwareDriver

/// A software device without the library: its table of C functions, called from C.
final class TableLane {
    let path: UnsafeMutablePointer<dmadev_data_path>
    private let driver: SoftwareDevice

    init(_ setting: Setting) throws {
        let name = "bench-table-\(Self.number)"
        Self.number += 1
        driver = try SoftwareDevice(engine: Engine(name: name))
        path = .allocate(capacity: 1)
        path.initialize(to: cpeers_empty_table())
        try driver.configure(DeviceConfiguration(virtualChannelCount: 1))
        try driver.setUpVirtualChannel(0, VirtualChannelConfiguration(descriptorCount: Lane.ring))
        try driver.start(&path.pointee)
        try Lane.pinEngine(named: name, setting)
    }

    deinit {
        path.deallocate()
    }

    /// Only one thread creates lanes.
    nonisolated(unsafe) private static var number = 0

    func end() throws {
        try driver.stop()
    }
}
