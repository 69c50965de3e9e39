import TelemetryWire

/// Where `serve` has its control socket: `ROOT/dmascope/PREFIX.control`, then `…:1`, `…:2` for further ones.
///
/// Beside `ROOT/dpdk`, whose directories nobody else may enter: who may connect to the controller, the socket's own mode
/// says.
enum ControlSocketPath {
    /// More controllers of one prefix than this are somebody's mistake.
    static let maximumInstances = 64

    static func path(filePrefix: String, instance: Int = 0) -> String {
        let path = "\(TelemetryRunDirectory.standard.root)/dmascope/\(filePrefix).control"
        return instance == 0 ? path : "\(path):\(instance)"
    }
}
