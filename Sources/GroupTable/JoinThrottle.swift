internal import DMADev
internal import LinuxSystem

/// Makes guessing slow: who has failed to join a group waits before the next try is looked at, per group and user,
/// however many connections or processes the tries come from.
///
/// Waiting comes before looking, for right tokens too: else the answer's speed would tell a right one among many.
struct JoinThrottle {
    /// Failures that cost nothing: people mistype.
    static let freeFailures = 3
    /// The wait after the first one that costs; each further one doubles it.
    static let firstWait: UInt64 = 50_000_000
    /// The longest wait for one try.
    static let longestWait: UInt64 = 5_000_000_000
    /// After as long without a failure, all is forgotten.
    static let memory: UInt64 = 60_000_000_000

    private struct Key: Hashable {
        var group: AccessGroupID
        var userID: UInt32
    }

    private struct Record {
        var failures = 0
        /// The next try is not looked at before this.
        var notBefore = MonotonicTime(nanoseconds: 0)
        var lastFailure = MonotonicTime(nanoseconds: 0)

        /// Nanoseconds that each try takes its place for.
        var wait: UInt64 {
            let costly = failures - JoinThrottle.freeFailures
            guard costly > 0 else { return 0 }
            return min(JoinThrottle.firstWait << UInt64(min(costly - 1, 16)), JoinThrottle.longestWait)
        }
    }

    private var records: [Key: Record] = [:]

    /// When a try that comes now may be looked at; takes that place in the queue.
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
