public import HummingbirdCore
public import Logging

/// A path of the server and its handler. The server is started with a table of routes.
public struct HTTPRoute: Sendable {
    /// Answers a request. Runs on the server's only thread, so it may suspend but must not block.
    public typealias Handler = @Sendable (Request, Logger) async throws -> Response

    /// For example `/metrics`. The methods are GET and HEAD.
    public let path: String
    /// The contents in a few words, for lists of the routes.
    public let summary: String
    /// The closure that answers each request.
    public let handler: Handler

    /// - Parameter path: a constant path; each has its own series in the metrics.
    /// - Parameter handler: answers a request.
    /// - Parameter summary: one line about the page.
    public init(_ path: String, _ summary: String, handler: @escaping Handler) {
        self.path = path
        self.summary = summary
        self.handler = handler
    }
}
