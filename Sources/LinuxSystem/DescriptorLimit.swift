import Glibc
import SystemPackage

/// The maximum number of open descriptors of this process.
///
/// C: `getrlimit`, `setrlimit` with `RLIMIT_NOFILE`
public enum DescriptorLimit {
    /// The soft limit; 0 when it cannot be read.
    public static var current: UInt64 { UInt64(limits?.rlim_cur ?? 0) }

    /// The hard limit, up to which the soft one can be raised; 0 when it cannot be read.
    public static var maximum: UInt64 { UInt64(limits?.rlim_max ?? 0) }

    /// Raises the soft limit to at least `count`, up to the hard limit; never lowers it.
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
