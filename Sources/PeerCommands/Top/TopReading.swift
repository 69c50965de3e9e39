import DMADev
import LinuxSystem

/// The state of the channels of a target, or of every process, at one point in time.
struct TopReading: Sendable {
    let time: MonotonicTime
    /// Nanoseconds since 1970.
    let wallClock: UInt64
    let origin: Origin
    let deviceCount: Int
    let channels: [TopChannel]

    enum Origin: Sendable {
        /// Version and process ID from the target's greeting.
        case process(version: String, pid: Int64)
        /// The number of processes that answer, and what is wrong with each that could not be read.
        case all(count: Int, failures: [TopFailure])
    }

    /// The process ID of the target; `nil` for several processes.
    var pid: Int64? {
        if case .process(_, let pid) = origin { pid } else { nil }
    }

    /// Whether it is one of every process.
    var isOfAll: Bool { pid == nil }

    /// The sources that could not be read.
    var failures: [TopFailure] {
        if case .all(_, let failures) = origin { failures } else { [] }
    }
}

/// A source that could not be read.
struct TopFailure: Sendable {
    let name: String
    /// One or two words, as `no answer`.
    let verdict: String
    let reason: String
}

/// One channel in a reading. Values that the target does not report are `nil`, or missing.
struct TopChannel: Sendable {
    /// Identifies the channel across readings.
    struct Key: Hashable, Sendable {
        let device: Int64
        let name: String
        let vchan: Int64
        /// `nil` in a reading of one process.
        var process: Process?
    }

    struct Process: Hashable, Sendable {
        let name: String
        let path: String
        let pid: Int64
    }

    let key: Key
    /// When the counters were read; `nil`: at the time of the reading.
    var time: MonotonicTime?
    var state: String?
    /// The number of descriptors in the ring, and of those in use.
    var descriptorCount: UInt64?
    var usedCount: UInt64?
    var counters: [TopCounter: UInt64] = [:]
    var latency: Latency?
}

/// The counters that `top` shows; the raw value is the key in the reply.
enum TopCounter: String, CaseIterable, Sendable {
    case submitted, completed, errors, bytes
    case rejected = "rejected_enqueues"
    case doorbells
}
