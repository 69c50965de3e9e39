/// Who shares a controller's quotas, turns and delays: all that is limited, is limited for each tenant separately.
public enum Tenant: Sendable, Hashable, CustomStringConvertible {
    /// All processes of one user, by the user ID that the kernel reports.
    case user(UInt32)

    /// For messages.
    public var description: String {
        switch self {
        case .user(let id): "user \(id)"
        }
    }
}
