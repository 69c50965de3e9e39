import SystemPackage

/// Why a telemetry server did not start.
public struct TelemetryServerError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of failure; later versions may add codes.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code's name.
        public let description: String

        /// The file prefix is not a directory name.
        public static let invalidFilePrefix = Code(description: "invalidFilePrefix")
        /// A command's path is malformed, or exists twice.
        public static let invalidCommand = Code(description: "invalidCommand")
        /// The socket's path does not fit into a socket address.
        public static let pathTooLong = Code(description: "pathTooLong")
        /// The run directory cannot be created, or is not private to this user.
        public static let directoryRefused = Code(description: "directoryRefused")
        /// All socket names of the prefix are in use.
        public static let noFreeInstance = Code(description: "noFreeInstance")
        /// A system call failed; see `errno`.
        public static let system = Code(description: "system")
    }

    /// The kind of failure.
    public let code: Code
    /// The error of the system call; `nil` if no call failed.
    public let errno: Errno?
    /// What was wrong and what is allowed, in one sentence.
    public let reason: String

    init(_ code: Code, _ reason: String, errno: Errno? = nil) {
        self.code = code
        self.reason = reason
        self.errno = errno
    }

    /// The same as ``reason``.
    public var description: String { reason }
}
