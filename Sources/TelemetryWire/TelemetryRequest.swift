/// One request of a client, parsed by the rules of DPDK's telemetry.
///
/// `command[,parameters]`: a NUL ends the request, leading commas are skipped (so `,,` has an empty command), the first
/// comma ends the command, and empty parameters count as none.
public struct TelemetryRequest: Sendable, Equatable {
    /// The maximum length of a request, in bytes.
    public static let maximumLength = 1023

    /// The maximum length of a reply's key, in bytes.
    public static let maximumKeyLength = 56

    /// The command's path as received; invalid UTF-8 becomes U+FFFD.
    public let command: String

    /// The text after the command's comma; `nil` if there is no comma or no text after it.
    public let parameters: String?

    /// The key in the reply: the command, cut to ``maximumKeyLength`` bytes.
    public let key: String

    /// Parses a request. Every sequence of bytes is a valid request.
    public init(_ bytes: UnsafeRawBufferPointer) {
        let text = bytes.prefix { $0 != 0 }.drop { $0 == UInt8(ascii: ",") }
        let command = text.prefix { $0 != UInt8(ascii: ",") }
        let rest = text[command.endIndex...].dropFirst()
        self.command = String(decoding: command, as: UTF8.self)
        self.parameters = rest.isEmpty ? nil : String(decoding: rest, as: UTF8.self)
        self.key = String(decoding: command.prefix(Self.maximumKeyLength), as: UTF8.self)
    }

    /// Parses a request. Every string is a valid request.
    public init(_ text: String) {
        var text = text
        self = text.withUTF8 { TelemetryRequest(UnsafeRawBufferPointer($0)) }
    }

    /// A reader for numeric parameters, positioned at the first one.
    public var numbers: TelemetryNumberReader {
        TelemetryNumberReader(parameters ?? "")
    }
}
