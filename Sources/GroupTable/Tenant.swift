public import LinuxSystem

/// Who shares a controller's quotas, turns and delays: all that is limited, is limited for each tenant separately.
public enum Tenant: Sendable, Hashable, CustomStringConvertible {
    /// All processes of one user, by the user ID that the kernel reports.
    case user(UInt32)
    /// All processes of one control group.
    case cgroup(ControlGroup)
    /// All processes of another operating system, by the name that the controller's configuration gives it.
    case osDomain(String)

    /// For messages.
    public var description: String {
        switch self {
        case .user(let id): "user \(id)"
        case .cgroup(let group): "cgroup \(group.path)"
        case .osDomain(let name): "operating system \(name)"
        }
    }
}

extension Tenant {
    /// The name of the other operating system; `nil` for a tenant of this one.
    public var osDomain: String? {
        if case .osDomain(let name) = self { name } else { nil }
    }

    /// Whether the tenant may take one more of a number of things that all tenants share. Of the last quarter, only those
    /// who have less than the others on average may take; a tenant that is alone is limited by its quota only.
    ///
    /// - Parameters:
    ///   - capacity: all things, taken or not.
    ///   - taken: how many each tenant has.
    public func mayTakeOne(of capacity: Int, taken: [Tenant: Int]) -> Bool {
        let total = taken.values.reduce(0, +)
        guard total < capacity else { return false }
        let own = taken[self] ?? 0
        let otherCount = taken.count { $0.key != self && $0.value > 0 }
        guard total * 4 >= capacity * 3, otherCount > 0 else { return true }
        return own * otherCount < total - own
    }
}
