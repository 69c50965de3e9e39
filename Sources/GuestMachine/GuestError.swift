/// Why a guest cannot be made or started, or has failed.
public struct GuestError: Error, Sendable, CustomStringConvertible {
    /// A sentence: what was wrong, and what to do.
    public let description: String
    /// Whether the guest did not end in time.
    public let isTimeout: Bool

    init(_ description: String, isTimeout: Bool = false) {
        self.description = description
        self.isTimeout = isTimeout
    }
}
