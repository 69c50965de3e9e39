/// One telemetry command: what it is called, what it says about itself, and what it does.
///
/// A command table is an array of these; a server takes the table as a value and knows no command but its own.
public struct TelemetryCommand: Sendable {
    /// Answers a request. It runs on the server's thread, so it must not wait: all clients wait with it.
    ///
    /// The error's sentence is what `/telemetry/errors` shows; the client gets null.
    public typealias Handler = @Sendable (TelemetryRequest) throws(TelemetryCommandError) -> JSONValue

    /// What the client asks for, as `/dmadev/list`: begins with `/`, holds no comma, has less than 56 bytes.
    public let path: String

    /// Exactly what `/help` answers.
    public let help: String

    /// The parameters, in order, for documents and tests; the handler reads them itself.
    public let parameters: [TelemetryParameter]

    /// Counts the changes of what the command reports: while it stays the same, a reply is kept and sent again.
    ///
    /// It runs on the server's thread before the handler. `nil`: every request is answered anew.
    public let generation: (@Sendable () -> UInt64)?

    /// Answers a request.
    public let handler: Handler

    /// A command.
    public init(
        path: String, help: String, parameters: [TelemetryParameter] = [], generation: (@Sendable () -> UInt64)? = nil,
        handler: @escaping Handler
    ) {
        self.path = path
        self.help = help
        self.parameters = parameters
        self.generation = generation
        self.handler = handler
    }
}

/// One parameter of a telemetry command, for documents and tests.
public struct TelemetryParameter: Sendable, Equatable {
    /// The name, as `dev_id`.
    public let name: String
    /// What it means and which values are allowed, in a few words.
    public let summary: String
    /// Whether a request may leave it out.
    public let isOptional: Bool

    /// A parameter.
    public init(_ name: String, _ summary: String, isOptional: Bool = false) {
        self.name = name
        self.summary = summary
        self.isOptional = isOptional
    }
}

/// Why a request is answered with null.
public struct TelemetryCommandError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was wrong and what is allowed, in one sentence. Anybody who may connect can read it.
    public let reason: String

    /// An error with its reason.
    public init(_ reason: String) {
        self.reason = reason
    }

    /// The reason.
    public var description: String { reason }
}
