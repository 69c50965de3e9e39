import TelemetryWire

/// The path of `serve`'s control socket: `ROOT/dmascope/PREFIX.control`, then `…:1`, `…:2` for further ones.
///
/// It is not in `ROOT/dpdk`, because other users cannot enter the directories there. The mode of the socket itself
/// decides who can connect to the controller.
enum ControlSocketPath {
    /// A limit for the search: more controllers with one prefix are a mistake.
    static let maximumInstances = 64

    static func path(filePrefix: String, instance: Int = 0) -> String {
        let path = "\(TelemetryRunDirectory.standard.root)/dmascope/\(filePrefix).control"
        return instance == 0 ? path : "\(path):\(instance)"
    }
}
