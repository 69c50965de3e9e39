import DMADev
import LinuxSystem

/// What a target told about its channels at one moment.
struct TopReading: Sendable {
    let time: MonotonicTime
    /// Nanoseconds since 1970.
    let wallClock: UInt64
    /// The version that the target gives itself, and its process.
    let version: String
    let pid: Int64
    let deviceCount: Int
    let channels: [TopChannel]
}

/// One channel in a reading. What the target does not tell is `nil`, or missing.
struct TopChannel: Sendable {
    /// Which channel: the same in every reading.
    struct Key: Hashable, Sendable {
        let device: Int64
        let name: String
        let vchan: Int64
    }

    let key: Key
    var state: String?
    /// Descriptors of the ring, and how many of them are in use.
    var descriptorCount: UInt64?
    var usedCount: UInt64?
    var counters: [TopCounter: UInt64] = [:]
    var latency: Latency?
}

/// The counters that `top` follows, by their names on the wire.
enum TopCounter: String, CaseIterable, Sendable {
    case submitted, completed, errors, bytes
    case rejected = "rejected_enqueues"
    case doorbells
}
