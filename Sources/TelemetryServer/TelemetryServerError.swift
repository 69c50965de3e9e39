import SystemPackage

/// Why a telemetry server did not start.
public struct TelemetryServerError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of failure; the list may grow.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code's name.
        public let description: String

        /// The file prefix names no directory.
        public static let invalidFilePrefix = Code(description: "invalidFilePrefix")
        /// A command's path is malformed, or there twice.
        public static let invalidCommand = Code(description: "invalidCommand")
        /// The socket's path does not fit into a socket address.
        public static let pathTooLong = Code(description: "pathTooLong")
        /// The run directory cannot be made, or is not private to this user.
        public static let directoryRefused = Code(description: "directoryRefused")
        /// All names of the prefix are taken.
        public static let noFreeInstance = Code(description: "noFreeInstance")
        /// A system call failed; see `errno`.
        public static let system = Code(description: "system")
    }

    /// What kind of failure.
    public let code: Code
    /// What the system said, when it was the system.
    public let errno: Errno?
    /// What was wrong and what is allowed, in one sentence.
    public let reason: String

    init(_ code: Code, _ reason: String, errno: Errno? = nil) {
        self.code = code
        self.reason = reason
        self.errno = errno
    }

    /// The sentence.
    public var description: String { reason }
}
