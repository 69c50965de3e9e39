public import SystemPackage

/// The reason why an HTTP server cannot run.
public struct HTTPServiceError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The system's error number; `nil` when no system call failed.
    public let errno: Errno?
    /// The error in one sentence.
    public let reason: String

    init(_ reason: String, errno: Errno? = nil) {
        self.reason = reason
        self.errno = errno
    }

    /// Whether another server uses the address.
    public var isAddressTaken: Bool { errno == .addressInUse }

    /// The same text as ``reason``.
    public var description: String { reason }
}
