/// Why a trace cannot be read.
public struct TraceError: Error, CustomStringConvertible {
    /// The kind of the failure.
    public enum Code: Sendable {
        /// libbabeltrace2 or its plugins are not on this machine.
        case notInstalled
        /// No directory with a trace was found.
        case notFound
        /// The trace is damaged, or cannot be opened.
        case unreadable
    }

    /// The kind of the failure.
    public let code: Code
    /// One sentence: what was wrong, and what to do.
    public let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
