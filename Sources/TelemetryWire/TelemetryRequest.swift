/// One request of a client, taken apart as DPDK's telemetry does it.
///
/// `command[,parameters]`: a NUL ends the request, leading commas are skipped (so `,,` has an empty command), the first
/// comma ends the command, and parameters that are empty are none.
public struct TelemetryRequest: Sendable, Equatable {
    /// A request has at most this many bytes.
    public static let maximumLength = 1023

    /// A reply names at most this many bytes of the command it answers.
    public static let maximumKeyLength = 56

    /// The command's path as the client wrote it; bytes that are not UTF-8 became U+FFFD.
    public let command: String

    /// All behind the command's comma; `nil` when there is no comma or nothing behind it.
    public let parameters: String?

    /// The key that the reply is under: the command, cut to ``maximumKeyLength`` bytes.
    public let key: String

    /// Takes a request apart. Every sequence of bytes is a request.
    public init(_ bytes: UnsafeRawBufferPointer) {
        let text = bytes.prefix { $0 != 0 }.drop { $0 == UInt8(ascii: ",") }
        let command = text.prefix { $0 != UInt8(ascii: ",") }
        let rest = text[command.endIndex...].dropFirst()
        self.command = String(decoding: command, as: UTF8.self)
        self.parameters = rest.isEmpty ? nil : String(decoding: rest, as: UTF8.self)
        self.key = String(decoding: command.prefix(Self.maximumKeyLength), as: UTF8.self)
    }

    /// Takes a request apart.
    public init(_ text: String) {
        var text = text
        self = text.withUTF8 { TelemetryRequest(UnsafeRawBufferPointer($0)) }
    }

    /// A reader for parameters that are numbers, at the first of them.
    public var numbers: TelemetryNumberReader {
        TelemetryNumberReader(parameters ?? "")
    }
}
