internal import LinuxSystem

/// A bounded list of the newest entries; any thread may call.
final class History<Entry: Sendable>: Sendable {
    /// Maximum number of stored entries.
    static var capacity: Int { 256 }

    private struct State {
        var count: UInt64 = 0
        var entries: [Entry] = []
    }

    private let state = Locked(State())

    /// Adds an entry, created from its number (from 1) and the time in nanoseconds since 1970.
    func append(_ entry: (_ number: UInt64, _ time: UInt64) -> Entry) {
        let time = MonotonicTime.wallClockNanoseconds
        state.withLock { state in
            state.count += 1
            let entry = entry(state.count, time)
            if state.entries.count < Self.capacity {
                state.entries.append(entry)
            } else {
                state.entries[Int((state.count - 1) % UInt64(Self.capacity))] = entry
            }
        }
    }

    /// The number of entries so far, including those that are no longer stored.
    var count: UInt64 { state.withLock { $0.count } }

    /// Up to `count` entries, newest first.
    func last(_ count: Int) -> [Entry] {
        state.withLock { state in
            (0..<min(max(count, 0), state.entries.count)).map { age in
                state.entries[Int((state.count - 1 - UInt64(age)) % UInt64(Self.capacity))]
            }
        }
    }
}
