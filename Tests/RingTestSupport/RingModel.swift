internal import CDMADev
internal import Glibc
internal import Testing

/// What a ring should do, said as simply as possible: a queue of operations, each with the status that it will get and
/// the bytes that it will have written.
public struct RingModel {
    /// How an operation should end.
    public struct Expected {
        /// The status, but for fences.
        public var status: UInt16
        /// What it writes, and where.
        public var written: Written

        /// An operation.
        public init(status: UInt16 = 0, _ written: Written = .nothing) {
            self.status = status
            self.written = written
        }
    }

    /// What an operation writes.
    public enum Written {
        /// Nothing that anybody may count on.
        case nothing
        /// What lies at another place, which stays as it is until the operation was polled.
        case copy(from: UnsafeRawPointer, to: UnsafeRawPointer, count: Int)
        /// A pattern, lowest byte first.
        case pattern(UInt64, at: UnsafeRawPointer, count: Int)

        /// Whether it is there.
        var isThere: Bool {
            switch self {
            case .nothing: return true
            case .copy(let source, let destination, let count): return memcmp(source, destination, count) == 0
            case .pattern(let pattern, let destination, let count):
                let first = withUnsafePointer(to: pattern.littleEndian) {
                    memcmp($0, destination, min(count, 8)) == 0
                }
                // From there on each byte is as the one eight bytes before.
                return first && (count <= 8 || memcmp(destination, destination + 8, count - 8) == 0)
            }
        }
    }

    /// How many operations were enqueued, made visible, and polled.
    public private(set) var enqueued = 0, rung = 0, polled = 0
    /// By index in the ring: the model is as large as the ring, and wraps as it does.
    private var slots: [Expected]
    private var batchFailed = false
    private var abandoned = false
    private var batchIsNew = true

    /// A model of an empty ring.
    public init(descriptorCount: Int) {
        slots = Array(repeating: Expected(), count: descriptorCount)
    }

    /// Notes an operation; a fence in a batch that failed abandons the rest of that batch.
    public mutating func enqueue(_ expected: Expected, fence: Bool) {
        if batchIsNew {
            batchFailed = false
            abandoned = false
            batchIsNew = false
        }
        if fence, batchFailed { abandoned = true }
        let status = abandoned ? UInt16(DMADEV_STATUS_NOT_ATTEMPTED.rawValue) : expected.status
        if status != 0 { batchFailed = true }
        slots[enqueued % slots.count] = Expected(status: status, expected.written)
        enqueued += 1
    }

    /// Notes a doorbell.
    public mutating func ring() {
        rung = enqueued
        batchIsNew = true
    }

    /// The status that the operation so many places behind the last polled one should have.
    public func status(_ offset: Int) -> UInt16 { slots[(polled + offset) % slots.count].status }

    /// Takes polled operations off and checks each against what was reported.
    public mutating func take(_ statuses: some Sequence<UInt16>) {
        for status in statuses {
            let expected = slots[polled % slots.count]
            if status != expected.status {
                Issue.record("operation \(polled) ended with \(status), not \(expected.status)")
            }
            if status == 0, !expected.written.isThere { Issue.record("bytes of operation \(polled) are not there") }
            polled += 1
        }
    }

    /// What the completion calls should report.
    public var lastIndex: UInt16 { UInt16(truncatingIfNeeded: polled - 1) }
    /// Slots in use.
    public var occupied: Int { enqueued - polled }
}
