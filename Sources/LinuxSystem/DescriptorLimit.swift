import Glibc
import SystemPackage

/// How many descriptors this process may have.
///
/// C: `getrlimit`, `setrlimit` with `RLIMIT_NOFILE`
public enum DescriptorLimit {
    /// The limit in force. 0 when the system does not say.
    public static var current: UInt64 { UInt64(limits?.rlim_cur ?? 0) }

    /// Raises the limit in force to at least `count`, as far as the hard limit goes; never lowers it.
    ///
    /// - Returns: whether it is higher now.
    @discardableResult
    public static func raise(to count: UInt64) -> Bool {
        guard var limits, limits.rlim_cur < limits.rlim_max, limits.rlim_cur < rlim_t(count) else { return false }
        limits.rlim_cur = min(rlim_t(count), limits.rlim_max)
        return setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0
    }

    private static var limits: rlimit? {
        var limits = rlimit()
        return getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 ? limits : nil
    }
}
