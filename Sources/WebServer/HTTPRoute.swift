public import Hummingbird

/// One address of the server and what answers there: a row of the table that the server is started with.
public struct HTTPRoute: Sendable {
    /// Answers a request. Runs on the server's only thread, or where it suspends to: it must not wait otherwise.
    public typealias Handler = @Sendable (Request, BasicRequestContext) async throws -> Response

    /// The path, as `/metrics`. It is asked with GET or HEAD.
    public let path: String
    /// What is found there, in a few words.
    public let summary: String
    /// Answers a request.
    public let handler: Handler

    /// A route.
    public init(_ path: String, _ summary: String, handler: @escaping Handler) {
        self.path = path
        self.summary = summary
        self.handler = handler
    }
}
