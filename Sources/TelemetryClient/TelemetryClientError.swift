import SystemPackage

/// Why a request to a telemetry server failed.
public struct TelemetryClientError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of failure; later versions may add codes.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code's name.
        public let description: String

        /// The socket does not exist.
        public static let notFound = Code(description: "notFound")
        /// The socket exists, but its server has ended or accepts no clients.
        public static let refused = Code(description: "refused")
        /// This user is not allowed to connect, or to read the directory of the sockets; see `user`.
        public static let permissionDenied = Code(description: "permissionDenied")
        /// A directory that may have sockets cannot be read.
        public static let unreadable = Code(description: "unreadable")
        /// The server does not answer a request about a part of its devices that it reports.
        public static let incomplete = Code(description: "incomplete")
        /// The directory of the socket or the server belongs to a user who is not trusted; see `user`.
        public static let untrusted = Code(description: "untrusted")
        /// The deadline passed.
        public static let timedOut = Code(description: "timedOut")
        /// The server closed the connection, or it was closed here after an earlier failure.
        public static let disconnected = Code(description: "disconnected")
        /// The server's greeting is not that of a telemetry server.
        public static let notTelemetry = Code(description: "notTelemetry")
        /// The reply is not JSON (some of DPDK's are not), or not one object with one member.
        public static let invalidJSON = Code(description: "invalidJSON")
        /// The reply has a value that its meaning excludes, such as a count below 0.
        public static let invalidValue = Code(description: "invalidValue")
        /// The request, the reply or the path is longer than allowed.
        public static let tooLong = Code(description: "tooLong")
        /// The file prefix, path or command is invalid.
        public static let invalidArgument = Code(description: "invalidArgument")
        /// Another system call failed; see `errno`.
        public static let system = Code(description: "system")
    }

    /// The kind of failure.
    public let code: Code
    /// The error of the system call; `nil` if no call failed.
    public let errno: Errno?
    /// What was wrong, in one sentence.
    public let reason: String
    /// With `untrusted`: the user who is not trusted. With `permissionDenied` and `unreadable`: the owner, if known.
    public let user: UInt32?

    /// For conversations, which may throw errors of their own.
    public init(_ code: Code, _ reason: String, errno: Errno? = nil, user: UInt32? = nil) {
        self.code = code
        self.reason = reason
        self.errno = errno
        self.user = user
    }

    /// The same as ``reason``.
    public var description: String { reason }

    /// The error for a directory that cannot be read.
    package static func unreadable(_ path: String, _ errno: Errno) -> TelemetryClientError {
        let isDenied = errno == .permissionDenied || errno == .notPermitted
        return TelemetryClientError(
            isDenied ? .permissionDenied : .unreadable, "cannot read the directory \(path): \(errno)", errno: errno,
            user: TelemetryTrust.nearestOwner(of: path))
    }

    /// The same error as one of a directory in which nothing is known.
    package var asUnreadable: TelemetryClientError {
        TelemetryClientError(.unreadable, reason, errno: errno, user: user)
    }

    /// The error for a failed connect to the socket at `path`.
    static func connecting(to path: String, _ errno: Errno) -> TelemetryClientError {
        let error = system(errno, "cannot connect to \(path)")
        guard error.code == .permissionDenied else { return error }
        return TelemetryClientError(
            error.code, error.reason, errno: errno, user: TelemetryTrust.nearestOwner(of: path))
    }

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
