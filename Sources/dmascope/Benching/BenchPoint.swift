import ArgumentParser
import DMADev

/// What `bench` can have a device do.
enum BenchOperation: String, ExpressibleByArgument, CaseIterable {
    case copy
    case fill
    case copyScatterGather = "copy_sg"

    var capability: Capabilities {
        switch self {
        case .copy: .copy
        case .fill: .fill
        case .copyScatterGather: .copyScatterGather
        }
    }
}

/// One combination to measure: a row of the result.
struct BenchPoint {
    let operation: BenchOperation
    /// Bytes an operation.
    let size: Int
    /// Operations a doorbell.
    let burst: Int
    /// Channels, used in turn.
    let vchanCount: Int
}

/// What was measured.
struct BenchResult {
    let point: BenchPoint
    let seconds: Double
    /// Operations that came to an end in that time, and those of them that were successful.
    let operations: Int
    let successes: Int
    /// Operations that failed, the checked ones before and after included.
    let errors: Int
    /// From doorbell to completion, by the device; `nil` when its driver keeps no histogram.
    let latency: Latency?

    var bytes: Int { successes * point.size }
    var operationsPerSecond: Double { Double(operations) / seconds }
    var bytesPerSecond: Double { Double(bytes) / seconds }
    var nanosecondsPerOperation: Double { operations > 0 ? seconds * 1e9 / Double(operations) : 0 }
}
