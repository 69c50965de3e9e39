import SystemPackage

/// Why a telemetry server gave no answer.
public struct TelemetryClientError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of failure; the list may grow.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code's name.
        public let description: String

        /// There is no such socket.
        public static let notFound = Code(description: "notFound")
        /// The socket is there, but its server is gone or takes nobody.
        public static let refused = Code(description: "refused")
        /// This user may not connect.
        public static let permissionDenied = Code(description: "permissionDenied")
        /// The deadline passed.
        public static let timedOut = Code(description: "timedOut")
        /// The server closed the connection, or it was closed here after an earlier failure.
        public static let disconnected = Code(description: "disconnected")
        /// What answers is no telemetry server: its greeting is not one.
        public static let notTelemetry = Code(description: "notTelemetry")
        /// The reply is not JSON, as some of DPDK's are not, or not one object with one member.
        public static let invalidJSON = Code(description: "invalidJSON")
        /// The request, the reply or the path is longer than allowed.
        public static let tooLong = Code(description: "tooLong")
        /// A file prefix or a command that cannot be sent.
        public static let invalidArgument = Code(description: "invalidArgument")
        /// The system refused something else; see `errno`.
        public static let system = Code(description: "system")
    }

    /// What kind of failure.
    public let code: Code
    /// What the system said, when it was the system.
    public let errno: Errno?
    /// What was wrong, in one sentence.
    public let reason: String

    /// An error.
    public init(_ code: Code, _ reason: String, errno: Errno? = nil) {
        self.code = code
        self.reason = reason
        self.errno = errno
    }

    /// The sentence.
    public var description: String { reason }

    /// The error for a failed call on a socket.
    static func system(_ errno: Errno, _ what: String) -> TelemetryClientError {
        let code: Code =
            switch errno {
            case .noSuchFileOrDirectory, .notDirectory: .notFound
            case .connectionRefused: .refused
            case .permissionDenied, .notPermitted: .permissionDenied
            case .resourceTemporarilyUnavailable, .timedOut: .timedOut
            case .connectionReset, .brokenPipe, .socketNotConnected: .disconnected
            case .fileNameTooLong, .messageTooLong: .tooLong
            default: .system
            }
        return TelemetryClientError(code, "\(what): \(errno)", errno: errno)
    }
}
