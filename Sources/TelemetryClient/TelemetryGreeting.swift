import TelemetryWire

/// What a telemetry server says about itself when a client connects.
public struct TelemetryGreeting: Sendable, Equatable {
    /// The program and its version, as `DPDK 26.11.0`.
    public let version: String
    /// The server's process.
    public let pid: Int64
    /// The longest value that a reply holds, in bytes.
    public let maximumOutputLength: Int

    /// Nobody needs more, and a client must not take as much memory as a stranger asks for.
    static let largestOutputLength = 64 << 20

    /// Reads a greeting; `nil` when it is none.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard let value = try? JSONValue(parsing: bytes) else { return nil }
        let tree = value.tree
        guard let version = tree["version"]?.string, let pid = tree["pid"]?.integer,
            let length = tree["max_output_len"]?.integer, (1...Int64(Self.largestOutputLength)).contains(length)
        else { return nil }
        self.version = version
        self.pid = pid
        self.maximumOutputLength = Int(length)
    }
}
