internal import ControllerDriver
internal import DMADev
internal import SystemPackage

extension DriverDescription {
    /// The driver of a controller's devices.
    static let controller = DriverDescription(
        name: ControllerDevice.driverName, summary: "a device of a controller, such as `dmascope serve`",
        keys: [.socket]
    ) { (specification, _) throws(DMAError) in
        guard let path = specification.text(.socket) else {
            throw DMAError(
                .invalidArgument, .invalidArgument,
                "socket= is missing: give the path that `dmascope serve` printed at its start")
        }
        return try ControllerDevice(path: path)
    }
}

extension DriverKey {
    static let socket = DriverKey(
        name: "socket", summary: "the controller's socket",
        kind: .text(allowed: "a path of 1 to 107 bytes") { (1...107).contains($0.utf8.count) },
        standard: "none: it must be given")
}
