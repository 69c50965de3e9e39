/// One telemetry command: path, help, parameters and handler.
///
/// A command table is an array of these, which is passed to a server.
public struct TelemetryCommand: Sendable {
    /// Returns the reply to a request. It runs on the server's thread and must not block, because all clients would
    /// wait.
    ///
    /// If it throws, the client gets null, and `/telemetry/errors` shows the error's reason.
    public typealias Handler = @Sendable (TelemetryRequest) throws(TelemetryCommandError) -> JSONValue

    /// Passes the members of a reply with their present values to `set`, again and again. Keys have no character that JSON
    /// escapes. It runs where the handler would.
    public typealias Refresh =
        @Sendable (_ set: (_ key: StaticString, _ value: UInt64) -> Void) throws(TelemetryCommandError) -> Void

    /// The path, for example `/dmadev/list`: begins with `/`, contains no comma, has less than 56 bytes.
    public let path: String

    /// The text that `/help` returns.
    public let help: String

    /// The parameters in order, for documentation and tests; the handler parses them itself.
    public let parameters: [TelemetryParameter]

    /// What a client needs to call it.
    public let right: TelemetryRight

    /// A number that changes whenever the reply may change; while it stays the same, the server sends a cached reply, after
    /// ``refresh`` if the command has that.
    ///
    /// It runs on the server's thread before the handler. `nil`: replies are not cached. Only for commands that need no
    /// other right than to read.
    public let generation: (@Sendable () -> UInt64)?

    /// Runs on the server's thread; must not block.
    public let handler: Handler

    /// For replies that are objects of numbers, which change while the generation stays the same: what sets them, for a
    /// request. The server keeps it and makes only the text. `nil`: a cached reply is sent as it is.
    public let refresh: (@Sendable (TelemetryRequest) throws(TelemetryCommandError) -> Refresh)?

    /// Nothing is checked before the command is passed to a server.
    public init(
        path: String, help: String, parameters: [TelemetryParameter] = [], right: TelemetryRight = .read,
        generation: (@Sendable () -> UInt64)? = nil, handler: @escaping Handler
    ) {
        self.path = path
        self.help = help
        self.parameters = parameters
        self.right = right
        self.generation = generation
        self.handler = handler
        refresh = nil
    }

    /// A command whose replies are objects of numbers: see ``refresh``.
    public init(
        path: String, help: String, parameters: [TelemetryParameter] = [],
        generation: @escaping @Sendable () -> UInt64,
        refresh: @escaping @Sendable (TelemetryRequest) throws(TelemetryCommandError) -> Refresh
    ) {
        self.path = path
        self.help = help
        self.parameters = parameters
        right = .read
        self.generation = generation
        self.refresh = refresh
        handler = { (request) throws(TelemetryCommandError) in
            var object = JSONValue.object()
            try refresh(request)({ object.set($0, $1) })
            return object
        }
    }
}

/// One parameter of a telemetry command, for documentation and tests.
public struct TelemetryParameter: Sendable, Equatable {
    /// The name, for example `dev_id`.
    public let name: String
    /// The meaning and the allowed values, in a few words.
    public let summary: String
    /// Whether a request may omit it.
    public let isOptional: Bool

    /// A required parameter unless `isOptional` is set.
    public init(_ name: String, _ summary: String, isOptional: Bool = false) {
        self.name = name
        self.summary = summary
        self.isOptional = isOptional
    }
}

/// Why a request is answered with null.
public struct TelemetryCommandError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was wrong and what is allowed, in one sentence. Every client can read it with `/telemetry/errors`.
    public let reason: String

    /// The reason must not contain secrets, because every client can read it.
    public init(_ reason: String) {
        self.reason = reason
    }

    /// The same as ``reason``.
    public var description: String { reason }
}
