import TelemetryWire

/// The message that a telemetry server sends when a client connects.
public struct TelemetryGreeting: Sendable, Equatable {
    /// The program and its version, as `DPDK 26.11.0`.
    public let version: String
    /// The server's process id, as the server reports it.
    public let pid: Int64
    /// The maximum length of a reply's value, in bytes.
    public let maximumOutputLength: Int

    /// The maximum length of the greeting itself, in bytes.
    static let maximumLength = 4096

    /// An upper bound for `maximumOutputLength`, because an untrusted server must not determine how much memory a
    /// client allocates.
    static let largestOutputLength = 64 << 20

    /// The maximum length of a reply, in bytes. DPDK's maximum is that of the value alone: the key and the braces around
    /// it are added.
    var maximumReplyLength: Int { maximumOutputLength + TelemetryRequest.maximumLength * 6 + 64 }

    /// Parses a greeting; `nil` if the bytes are not one.
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
