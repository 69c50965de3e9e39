internal import LinuxSystem
internal import SystemPackage

/// The failed control calls of a registry's devices, by kind, and the failed data calls of its closed devices. Any thread
/// may call.
final class FailedCallLog: Sendable {
    /// Maximum number of kinds; a new one replaces the kind that failed longest ago.
    static let capacity = 256

    private struct State {
        var count: UInt64 = 0
        var entries: [FailedCall] = []

        mutating func add(_ entry: FailedCall) {
            if entries.count < FailedCallLog.capacity {
                entries.append(entry)
            } else if let oldest = entries.indices.min(by: { entries[$0].last < entries[$1].last }) {
                entries[oldest] = entry
            }
        }
    }

    private let state = Locked(State())

    /// The number of failed calls, replaced kinds included.
    var count: UInt64 { state.withLock { $0.count } }

    /// One entry for each kind, in no particular order.
    var entries: [FailedCall] { state.withLock { $0.entries } }

    /// Counts a failed control call.
    func append(_ call: String, device: Int16, errno: Int32, reason: String) {
        let now = MonotonicTime.wallClockNanoseconds
        let entry = FailedCall(
            call: call, device: device, vchan: nil, errno: errno, reason: reason, count: 1, first: now, last: now)
        state.withLock { state in
            state.count += 1
            if let known = state.entries.firstIndex(where: entry.isOfSameKind) {
                state.entries[known].count += 1
                state.entries[known].last = now
            } else {
                state.add(entry)
            }
        }
    }

    /// Runs a control call, traces its result, and counts its failure.
    ///
    /// - Parameter device: its number; -1 for a call without one.
    func tracing<R>(
        _ call: String, of device: Int16, _ trace: (Int32) -> Void, _ body: () throws(DMAError) -> R
    ) throws(DMAError) -> R {
        do {
            let value = try body()
            trace(0)
            return value
        } catch {
            trace(-error.errno.rawValue)
            append(call, device: device, errno: error.errno.rawValue, reason: error.message)
            throw error
        }
    }

    /// Takes over the failed data calls of a closed device.
    func append(_ failures: DataCallFailures, of device: Int16) {
        let (count, entries) = (failures.count, failures.entries(of: device))
        state.withLock { state in
            state.count += count
            for entry in entries { state.add(entry) }
        }
    }
}

extension FailedCall {
    fileprivate func isOfSameKind(_ other: FailedCall) -> Bool {
        device == other.device && vchan == other.vchan && call == other.call && errno == other.errno
            && reason == other.reason
    }
}
