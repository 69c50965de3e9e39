import ArgumentParser

/// The values of `--tenant-by`.
enum TenantKind: String, CaseIterable, ExpressibleByArgument {
    case user, cgroup
}
