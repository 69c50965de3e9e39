import ArgumentParser

/// A value that `check` compares with a threshold; the raw value is its name on the command line.
enum CheckFigure: String, CaseIterable, ExpressibleByArgument {
    case devices
    case errorRatio = "error-ratio"
    case occupancy
    case latencyP99 = "latency-p99"
    case operations = "operations-per-second"

    /// The name in performance data and JSON.
    var label: String { rawValue.replacing("-", with: "_") }

    /// The name in sentences.
    var words: String {
        switch self {
        case .devices: "devices"
        case .errorRatio: "error ratio"
        case .occupancy: "occupancy"
        case .latencyP99: "p99 latency"
        case .operations: "operations per second"
        }
    }

    /// The unit in the notation of performance data.
    var unit: String { self == .latencyP99 ? "us" : "" }

    /// The values that are possible; limits of thresholds are among them.
    var domain: ClosedRange<Double> {
        switch self {
        case .errorRatio, .occupancy: 0...1
        case .devices, .latencyP99, .operations: 0...Double.infinity
        }
    }

    /// The domain for messages.
    var domainText: String { domain.upperBound.isFinite ? "from 0 to 1" : "of 0 or more" }

    /// The smallest and greatest value in the notation of performance data.
    var bounds: String { domain.upperBound.isFinite ? "0;1" : "0" }
}
