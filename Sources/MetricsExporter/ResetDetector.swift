import LinuxSystem

/// Knows since when the counters of a source count: since its process started, until one of them is seen to run
/// backwards, which is a reset of statistics or a device made anew.
final class ResetWatch {
    /// The counters that are reset together.
    struct Key: Hashable {
        let path: String
        let pid: Int64
        let request: String
    }

    private struct Entry {
        var witnesses: [UInt64]
        var created: Double?
        var round: UInt64
    }

    private var entries: [Key: Entry] = [:]
    private var round: UInt64 = 0

    /// A new round begins.
    func beginRound() {
        round &+= 1
    }

    /// Forgets what this round did not see.
    func endRound() {
        entries = entries.filter { $0.value.round == round }
    }

    /// Since when the counters count, in seconds since 1970; `nil` when nothing is known.
    func created(_ key: Key, witnesses: [UInt64], processStart: Double?) -> Double? {
        guard !witnesses.isEmpty else { return processStart }
        var created = processStart
        if let entry = entries[key] {
            created = entry.created
            if zip(witnesses, entry.witnesses).contains(where: <) {
                created = MonotonicTime.wallClockSeconds
            }
        }
        entries[key] = Entry(witnesses: witnesses, created: created, round: round)
        return created
    }
}
