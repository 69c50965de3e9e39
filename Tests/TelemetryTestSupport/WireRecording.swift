import TelemetryWire

/// Answers of DPDK, recorded: one a line, with the state of the device, the request, whether the reply is JSON, and the
/// reply, separated by tabs. Bytes outside of printable ASCII are written `\xNN`, a backslash is doubled; lines that
/// begin with `#` are remarks.
public struct WireRecording: Sendable {
    /// One request and its answer.
    public struct Row: Sendable, CustomStringConvertible {
        /// `started` or `unconfigured`.
        public let state: String
        /// The request.
        public let request: [UInt8]
        /// Whether DPDK's reply is JSON.
        public let isJSON: Bool
        /// DPDK's reply.
        public let reply: [UInt8]
        /// The request as it is written in the file.
        public let description: String

        /// What dmascope answers in its place: the same when it is JSON (but with an empty key where DPDK prints a null
        /// pointer), else null under the same key, cut like DPDK's.
        public var expected: JSONTree? {
            guard isJSON else {
                return .object([.init(TelemetryRequest(String(decoding: request, as: UTF8.self)).key, .null)])
            }
            guard let tree = try? JSONValue(parsing: String(decoding: reply, as: UTF8.self)).tree else { return nil }
            return tree == .object([.init("(null)", .null)]) ? .object([.init("", .null)]) : tree
        }
    }

    /// The rows, in order.
    public let rows: [Row]

    /// Reads the text of a recording; `nil` when a line has another shape.
    public init?(_ text: String) {
        var rows: [Row] = []
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
            guard fields.count == 4, let request = Self.bytes(fields[1]), let reply = Self.bytes(fields[3]) else {
                return nil
            }
            rows.append(
                Row(
                    state: String(fields[0]), request: request, isJSON: fields[2] == "json", reply: reply,
                    description: String(fields[1])))
        }
        self.rows = rows
    }

    /// Undoes the escapes.
    static func bytes(_ field: Substring) -> [UInt8]? {
        var bytes: [UInt8] = []
        var rest = field.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\") else {
                bytes.append(byte)
                continue
            }
            switch rest.popFirst() {
            case UInt8(ascii: "\\"): bytes.append(byte)
            case UInt8(ascii: "x"):
                guard let value = UInt8(Substring(rest.prefix(2)), radix: 16) else { return nil }
                bytes.append(value)
                rest = rest.dropFirst(2)
            default: return nil
            }
        }
        return bytes
    }
}
