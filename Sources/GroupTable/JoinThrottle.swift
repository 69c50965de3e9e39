public import LinuxSystem

/// Slows down token guessing in one group: after a failed join, the next ones of that tenant are processed later,
/// regardless of the number of connections or processes.
///
/// The wait comes before the check, also for correct tokens: else the time of the answer would reveal a correct one. All
/// joins that wait are processed when the wait ends, so that wrong ones do not delay a right one further.
struct JoinThrottle {
    /// The number of failures without a wait, for typing errors.
    static let freeFailures = 3
    /// The wait after the next failure, in nanoseconds; each further failure doubles it.
    static let firstWait: UInt64 = 50_000_000
    /// The longest wait, in nanoseconds.
    static let longestWait: UInt64 = 1_000_000_000
    /// After this time without a failure, in nanoseconds, the record is deleted.
    static let memory: UInt64 = 60_000_000_000

    private struct Record {
        var failures = 0
        /// The earliest time at which the next attempt is processed.
        var notBefore = MonotonicTime(nanoseconds: 0)
        var lastFailure = MonotonicTime(nanoseconds: 0)
    }

    private var records: [Tenant: Record] = [:]

    /// Returns the time at which an attempt that arrives now is processed.
    func moment(of tenant: Tenant, at now: MonotonicTime) -> MonotonicTime {
        records[tenant].map { max(now, $0.notBefore) } ?? now
    }

    mutating func failed(_ tenant: Tenant, at now: MonotonicTime) {
        records = records.filter { now.nanoseconds(since: $0.value.lastFailure) < Self.memory }
        var record = records[tenant] ?? Record()
        record.failures += 1
        record.lastFailure = now
        let costly = record.failures - Self.freeFailures
        if costly > 0 {
            let wait = min(Self.firstWait << UInt64(min(costly - 1, 16)), Self.longestWait)
            record.notBefore = MonotonicTime(nanoseconds: now.nanoseconds + wait)
        }
        records[tenant] = record
    }
}

/// When a join is processed, and which group it was sent to: a later group of the same number does not process it.
public struct JoinAdmission: Sendable {
    /// The earliest time.
    public let moment: MonotonicTime
    /// The group's identity; 0: there was no such group.
    let identity: UInt64
}
