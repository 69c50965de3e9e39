import LinuxSystem
import SystemPackage
import TelemetryWire

/// A connection to one telemetry server, dmascope's or DPDK's.
///
/// One request at a time, each with its deadline. After a failure that leaves a reply outstanding (`timedOut`,
/// `tooLong`) the connection is closed, because the late reply would be taken for that of the next request; further
/// requests throw `disconnected`, and a new client is needed. Not `Sendable`: one thread uses it.
public final class TelemetryClient {
    /// How long connecting, the greeting, and each request may take, unless said otherwise.
    public static let defaultTimeout: Duration = .seconds(5)

    /// The path of the server's socket.
    public let path: String
    /// What the server said about itself.
    public let greeting: TelemetryGreeting
    /// Who listens, by the kernel's word.
    public let peer: PeerCredentials
    /// How long a request may take when it does not say itself.
    public var timeout: Duration

    private var channel: PacketChannel

    /// Connects to the socket at `path` and waits for the greeting.
    ///
    /// - Throws: `notFound`, `refused`, `permissionDenied`, `timedOut`, `disconnected`, `notTelemetry`, `tooLong` (the
    ///   path), or `system`.
    public convenience init(
        path: String, timeout: Duration = TelemetryClient.defaultTimeout
    ) throws(TelemetryClientError) {
        let deadline = MonotonicTime.now.advanced(by: timeout)
        try self.init(channel: PacketChannel(path: path, timeout: timeout), timeout: timeout, deadline: deadline)
    }

    /// Connects to the first live server of a file prefix: `…v2`, then `…v2:1`, and so on.
    ///
    /// - Throws: `invalidArgument` for a prefix that names no directory, `notFound` when there is no socket, else what
    ///   the last socket tried threw.
    public convenience init(
        filePrefix: String, instance: Int? = nil, in directory: TelemetryRunDirectory = .standard,
        timeout: Duration = TelemetryClient.defaultTimeout
    ) throws(TelemetryClientError) {
        let deadline = MonotonicTime.now.advanced(by: timeout)
        let channel = try PacketChannel.first(
            filePrefix: filePrefix, instance: instance, in: directory, timeout: timeout)
        try self.init(channel: channel, timeout: timeout, deadline: deadline)
    }

    /// Waits for the greeting.
    private init(
        channel: consuming PacketChannel, timeout: Duration, deadline: MonotonicTime
    ) throws(TelemetryClientError) {
        var greeting: TelemetryGreeting?
        try channel.receive(until: deadline) { greeting = TelemetryGreeting($0) }
        guard let greeting else {
            throw TelemetryClientError(
                .notTelemetry, "what listens on \(channel.path) does not greet like a telemetry server")
        }
        do throws(Errno) {
            peer = try channel.peerCredentials()
        } catch {
            throw .system(error, "cannot ask who listens on \(channel.path)")
        }
        // DPDK counts only the value: the key and the braces around it come on top.
        channel.makeRoom(for: greeting.maximumOutputLength + TelemetryRequest.maximumLength * 6 + 64)
        self.path = channel.path
        self.greeting = greeting
        self.timeout = timeout
        self.channel = channel
    }

    /// Asks for a command and gives the value of the reply: what stands under the command's name.
    ///
    /// Null is an answer, too: the server knows no such command or does not like the parameters.
    ///
    /// - Parameters:
    ///   - command: the path, as `/dmadev/info`
    ///   - parameters: joined with commas behind it
    /// - Throws: `timedOut`, `disconnected`, `tooLong`, `invalidArgument` (a NUL or nothing in the request),
    ///   `invalidJSON`, `system`.
    public func request(
        _ command: String, _ parameters: String..., timeout: Duration? = nil
    ) throws(TelemetryClientError) -> JSONValue {
        try request(([command] + parameters).joined(separator: ","), timeout: timeout)
    }

    /// Asks for a whole request, `command[,parameters]`, and gives the value of the reply.
    public func request(_ text: String, timeout: Duration? = nil) throws(TelemetryClientError) -> JSONValue {
        var reply: OwnedReply = .none
        var failure: TelemetryClientError?
        try exchange(text, timeout: timeout) { bytes in
            do throws(JSONParseError) {
                reply = .value(try JSONValue(parsing: bytes))
            } catch {
                failure = TelemetryClientError(.invalidJSON, "the reply to \(text) is \(error)")
            }
        }
        if let failure { throw failure }
        if case .value(let object) = consume reply, let value = object.soleMember() { return value }
        throw TelemetryClientError(.invalidJSON, "the reply to \(text) is not one object with one member")
    }

    /// Asks for a whole request and gives the reply as it came, JSON or not; bytes that are not UTF-8 become U+FFFD.
    public func requestText(_ text: String, timeout: Duration? = nil) throws(TelemetryClientError) -> String {
        var reply = ""
        try exchange(text, timeout: timeout) { reply = String(decoding: $0, as: UTF8.self) }
        return reply
    }

    /// Sends a request and lends its reply to `body`.
    private func exchange(
        _ text: String, timeout: Duration?, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(TelemetryClientError) {
        guard !text.isEmpty, !text.utf8.contains(0) else {
            throw TelemetryClientError(.invalidArgument, "a request is not empty and holds no NUL")
        }
        guard text.utf8.count <= TelemetryRequest.maximumLength else {
            throw TelemetryClientError(
                .tooLong,
                "the request has \(text.utf8.count) bytes; at most \(TelemetryRequest.maximumLength) are allowed")
        }
        let deadline = MonotonicTime.now.advanced(by: timeout ?? self.timeout)
        try channel.send(text, until: deadline)
        try channel.receive(until: deadline, body)
    }
}

/// A parsed reply on its way out of a closure.
private enum OwnedReply: ~Copyable {
    case none
    case value(JSONValue)
}
