import LinuxSystem
import SystemPackage
import TelemetryWire

/// A connection to one telemetry server, dmascope's or DPDK's.
///
/// One request at a time, each with a deadline. After a failure that leaves a reply outstanding (`timedOut`, `tooLong`)
/// the connection is closed, because the late reply would be taken for that of the next request; further requests
/// throw `disconnected`, and a new client is needed. Not `Sendable`: only one thread may use it.
public final class TelemetryClient {
    /// The default time limit for connecting and greeting together, and for each request.
    public static let defaultTimeout: Duration = .seconds(5)

    /// The path of the server's socket.
    public let path: String
    /// The server's greeting.
    public let greeting: TelemetryGreeting
    /// The server's process, user and group, from the kernel.
    public let peer: PeerCredentials
    /// The time limit of requests without their own.
    public var timeout: Duration

    private var channel: PacketChannel

    /// Connects to the socket at `path` and waits for the greeting. The user of the server must be trusted; the owner of
    /// the directory need not be.
    ///
    /// - Throws: `notFound`, `refused`, `permissionDenied`, `untrusted`, `timedOut`, `disconnected`, `notTelemetry`,
    ///   `tooLong` (the path), or `system`.
    public convenience init(
        path: String, trust: TelemetryTrust = TelemetryTrust(), timeout: Duration = TelemetryClient.defaultTimeout
    ) throws(TelemetryClientError) {
        let deadline = MonotonicTime.now.advanced(by: timeout)
        try self.init(
            channel: PacketChannel(path: path, trust: trust, timeout: timeout), timeout: timeout, deadline: deadline)
    }

    /// Connects to the first live server of a file prefix: `…v2`, then `…v2:1`, and so on, in each directory. The owner of
    /// the prefix's directory and the user of the server must be trusted. Without a run directory, all of
    /// `TelemetryRunDirectory.candidates` are searched.
    ///
    /// - Throws: `invalidArgument` for an invalid prefix, `notFound` if there is no socket, `permissionDenied` or
    ///   `unreadable` for a directory, else the error of the last socket that was tried.
    public convenience init(
        filePrefix: String, instance: Int? = nil, in directory: TelemetryRunDirectory? = nil,
        trust: TelemetryTrust = TelemetryTrust(), timeout: Duration = TelemetryClient.defaultTimeout
    ) throws(TelemetryClientError) {
        guard TelemetryRunDirectory.isValid(filePrefix: filePrefix) else {
            throw TelemetryClientError(
                .invalidArgument, "\(filePrefix) is not a valid file prefix: it must be a directory name")
        }
        let directories = directory.map { [$0] } ?? TelemetryRunDirectory.candidates
        try self.init(
            directories: directories.map { $0.directory(filePrefix: filePrefix) }, instance: instance, trust: trust,
            timeout: timeout)
    }

    /// Connects to the first live server, or to the given instance, whose socket is in one of these directories of a
    /// prefix; otherwise like ``init(filePrefix:instance:in:trust:timeout:)``.
    public convenience init(
        directories: [String], instance: Int? = nil, trust: TelemetryTrust = TelemetryTrust(),
        timeout: Duration = TelemetryClient.defaultTimeout
    ) throws(TelemetryClientError) {
        let deadline = MonotonicTime.now.advanced(by: timeout)
        let channel = try PacketChannel.first(in: directories, instance: instance, trust: trust, timeout: timeout)
        try self.init(channel: channel, timeout: timeout, deadline: deadline)
    }

    private init(
        channel: consuming PacketChannel, timeout: Duration, deadline: MonotonicTime
    ) throws(TelemetryClientError) {
        var greeting: TelemetryGreeting?
        try channel.receive(until: deadline) { greeting = TelemetryGreeting($0) }
        guard let greeting else {
            throw TelemetryClientError(
                .notTelemetry, "\(channel.path) does not send the greeting of a telemetry server")
        }
        channel.makeRoom(for: greeting.maximumReplyLength)
        self.path = channel.path
        peer = channel.peer
        self.greeting = greeting
        self.timeout = timeout
        self.channel = channel
    }

    /// Sends a command and returns the value in the reply under the command's name.
    ///
    /// Null is a valid value: the server does not have the command, or rejects the parameters.
    ///
    /// - Parameters:
    ///   - command: the path, as `/dmadev/info`
    ///   - parameters: appended to the path, each after a comma
    ///   - timeout: for each request.
    /// - Throws: `timedOut`, `disconnected`, `tooLong`, `invalidArgument` (an empty request, or a NUL in it),
    ///   `invalidJSON`, `system`.
    public func request(
        _ command: String, _ parameters: String..., timeout: Duration? = nil
    ) throws(TelemetryClientError) -> JSONValue {
        try request(([command] + parameters).joined(separator: ","), timeout: timeout)
    }

    /// Sends a complete request, `command[,parameters]`, and returns the value of the reply.
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

    /// Sends a complete request and returns the unchanged reply, JSON or not; invalid UTF-8 becomes U+FFFD.
    public func requestText(_ text: String, timeout: Duration? = nil) throws(TelemetryClientError) -> String {
        var reply = ""
        try exchange(text, timeout: timeout) { reply = String(decoding: $0, as: UTF8.self) }
        return reply
    }

    /// Sends a request and passes its reply to `body`.
    private func exchange(
        _ text: String, timeout: Duration?, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(TelemetryClientError) {
        guard !text.isEmpty, !text.utf8.contains(0) else {
            throw TelemetryClientError(.invalidArgument, "a request must not be empty or contain NUL")
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

/// Carries a parsed reply out of a closure.
private enum OwnedReply: ~Copyable {
    case none
    case value(JSONValue)
}
