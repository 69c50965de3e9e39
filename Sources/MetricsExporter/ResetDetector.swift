import LinuxSystem
import TelemetryClient

/// Determines the creation time of a source's counters: the start of its process, or the time when a counter was first
/// seen to decrease. A decrease means that statistics were reset or that a device was removed and created again.
final class ResetDetector {
    /// Identifies counters that are reset together.
    struct Key: Hashable {
        let source: TelemetrySource
        let pid: Int64
        let request: String
    }

    private struct Entry {
        var monotonicMembers: [UInt64]
        var created: Double?
        var round: UInt64
    }

    private var entries: [Key: Entry] = [:]
    private var round: UInt64 = 0

    /// Starts a collection.
    func beginRound() {
        round &+= 1
    }

    /// Removes the counters that were not in this collection.
    func endRound() {
        entries = entries.filter { $0.value.round == round }
    }

    /// The creation time of the counters, in seconds since 1970; `nil` when it is unknown.
    func created(_ key: Key, monotonicMembers: [UInt64], processStart: Double?) -> Double? {
        guard !monotonicMembers.isEmpty else { return processStart }
        var created = processStart
        if let entry = entries[key] {
            created = entry.created
            if zip(monotonicMembers, entry.monotonicMembers).contains(where: <) {
                created = MonotonicTime.wallClockSeconds
            }
        }
        entries[key] = Entry(monotonicMembers: monotonicMembers, created: created, round: round)
        return created
    }
}
