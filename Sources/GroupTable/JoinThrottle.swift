internal import DMADev
internal import LinuxSystem

/// Slows down token guessing: after failed joins, the next attempt is processed later. This applies per group and user,
/// regardless of the number of connections or processes.
///
/// The wait comes before the check, also for correct tokens: else the time of the answer would reveal a correct one.
struct JoinThrottle {
    /// The number of failures without a wait, for typing errors.
    static let freeFailures = 3
    /// The wait after the next failure, in nanoseconds; each further failure doubles it.
    static let firstWait: UInt64 = 50_000_000
    /// The longest wait for one attempt, in nanoseconds.
    static let longestWait: UInt64 = 5_000_000_000
    /// After this time without a failure, in nanoseconds, the record is deleted.
    static let memory: UInt64 = 60_000_000_000

    private struct Key: Hashable {
        var group: AccessGroupID
        var userID: UInt32
    }

    private struct Record {
        var failures = 0
        /// The earliest time at which the next attempt is processed.
        var notBefore = MonotonicTime(nanoseconds: 0)
        var lastFailure = MonotonicTime(nanoseconds: 0)

        /// The time that each attempt occupies in the queue, in nanoseconds.
        var wait: UInt64 {
            let costly = failures - JoinThrottle.freeFailures
            guard costly > 0 else { return 0 }
            return min(JoinThrottle.firstWait << UInt64(min(costly - 1, 16)), JoinThrottle.longestWait)
        }
    }

    private var records: [Key: Record] = [:]

    /// Returns the time at which an attempt that arrives now is processed, and reserves that place in the queue.
    mutating func admit(_ group: AccessGroupID, _ userID: UInt32, at now: MonotonicTime) -> MonotonicTime {
        records = records.filter { _, record in
            now.nanoseconds(since: record.lastFailure) < Self.memory || record.notBefore > now
        }
        guard let record = records[Key(group: group, userID: userID)] else { return now }
        let start = max(now, record.notBefore)
        guard record.wait > 0 else { return start }
        let place = MonotonicTime(nanoseconds: start.nanoseconds + record.wait)
        records[Key(group: group, userID: userID)]?.notBefore = place
        return place
    }

    mutating func failed(_ group: AccessGroupID, _ userID: UInt32, at now: MonotonicTime) {
        var record = records[Key(group: group, userID: userID)] ?? Record()
        record.failures += 1
        record.lastFailure = now
        records[Key(group: group, userID: userID)] = record
    }
}
