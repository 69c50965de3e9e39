package import DMADev

/// Memory of the caller, whose exporter prefers the windows of a controller to system memory: devices of other
/// controllers, and of none, fall back.
package final class WindowPreferringExporter: SystemMemoryExporter {
    package let name: String
    package let address: UInt64
    package let byteCount: UInt64
    private let windows: ControllerWindows

    /// The memory is valid as long as the exporter exists.
    package init(name: String, address: UInt64, byteCount: UInt64, controllerID: UInt16) {
        self.name = name
        self.address = address
        self.byteCount = byteCount
        windows = ControllerWindows(controllerID: controllerID)
    }

    package func interconnects(for importer: any Importer) -> [any Interconnect] { [windows, SystemMemory.shared] }
}
