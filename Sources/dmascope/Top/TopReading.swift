import DMADev
import LinuxSystem

/// The state of a target's channels at one point in time.
struct TopReading: Sendable {
    let time: MonotonicTime
    /// Nanoseconds since 1970.
    let wallClock: UInt64
    /// Version and process id from the target's greeting.
    let version: String
    let pid: Int64
    let deviceCount: Int
    let channels: [TopChannel]
}

/// One channel in a reading. Values that the target does not report are `nil`, or missing.
struct TopChannel: Sendable {
    /// Identifies the channel across readings.
    struct Key: Hashable, Sendable {
        let device: Int64
        let name: String
        let vchan: Int64
    }

    let key: Key
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
