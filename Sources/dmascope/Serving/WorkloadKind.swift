import ArgumentParser

/// The values of `--workload`.
enum WorkloadKind: String, ExpressibleByArgument, CaseIterable {
    case none, copy
}
