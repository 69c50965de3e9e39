public import SystemPackage

/// Why an HTTP server does not run.
public struct HTTPServiceError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What the system said, when it was the system.
    public let errno: Errno?
    /// What was wrong, in one sentence.
    public let reason: String

    init(_ reason: String, errno: Errno? = nil) {
        self.reason = reason
        self.errno = errno
    }

    /// Whether somebody else has the address.
    public var isAddressTaken: Bool { errno == .addressInUse }

    /// The sentence.
    public var description: String { reason }
}
