import ArgumentParser
import DMADev

/// The operations that `bench` measures.
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

/// One combination of options to measure: a row of the result.
struct BenchPoint {
    let operation: BenchOperation
    /// Bytes per operation.
    let size: Int
    /// Operations per doorbell.
    let burst: Int
    /// Number of channels, used in turn.
    let vchanCount: Int
}

/// The result of one measurement.
struct BenchResult {
    let point: BenchPoint
    let seconds: Double
    /// Operations that completed in that time, and those of them that were successful.
    let operations: Int
    let successes: Int
    /// Failed operations, including the checked ones before and after the timed part.
    let errors: Int
    /// Latency from doorbell to completion, measured by the device; `nil` if its driver has no histogram.
    let latency: Latency?

    var bytes: Int { successes * point.size }
    var operationsPerSecond: Double { Double(operations) / seconds }
    var bytesPerSecond: Double { Double(bytes) / seconds }
    var nanosecondsPerOperation: Double { operations > 0 ? seconds * 1e9 / Double(operations) : 0 }
}
