import ArgumentParser

/// What the devices of `serve` do.
enum WorkloadKind: String, ExpressibleByArgument, CaseIterable {
    case none, copy
}
