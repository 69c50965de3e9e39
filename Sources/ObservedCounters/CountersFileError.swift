public import SystemPackage

/// Why the counters of a program could not be read.
public struct CountersFileError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure.
    public enum Code: Sendable {
        /// The file cannot be opened: see the errno.
        case unreadable
        /// The program has not ended: its counters are in its telemetry.
        case inUse
        /// The file has no counters of this version.
        case invalid
    }

    /// The kind of failure.
    public let code: Code
    /// What is wrong, with the path.
    public let reason: String
    /// The error of `open`, of an unreadable file.
    public let errno: Errno?

    init(_ code: Code, _ reason: String, errno: Errno? = nil) {
        self.code = code
        self.reason = reason
        self.errno = errno
    }

    /// The reason.
    public var description: String { reason }
}
