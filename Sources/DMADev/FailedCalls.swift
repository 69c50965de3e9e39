internal import LinuxSystem

/// A call that failed.
public struct FailedCall: Sendable, Equatable {
    /// Counts the failed calls of the registry, from 1.
    public let number: UInt64
    /// Nanoseconds since 1970.
    public let time: UInt64
    /// The call, named as in traces: `vchan_setup`, `copy`.
    public let call: String
    /// The device's number.
    public let device: Int16
    /// What the C call returned, negated.
    public let errno: Int32
    /// What was wrong.
    public let reason: String
}

/// The last failed calls of a registry's devices, for those who look from outside.
final class FailedCalls: Sendable {
    static let capacity = 256

    private struct State {
        var count: UInt64 = 0
        var calls: [FailedCall] = []
    }

    private let state = Locked(State())

    func note(_ call: String, device: Int16, errno: Int32, reason: String) {
        let time = MonotonicTime.wallClockNanoseconds
        state.withLock { state in
            state.count += 1
            let entry = FailedCall(
                number: state.count, time: time, call: call, device: device, errno: errno, reason: reason)
            if state.calls.count < Self.capacity {
                state.calls.append(entry)
            } else {
                state.calls[Int((state.count - 1) % UInt64(Self.capacity))] = entry
            }
        }
    }

    /// The last calls, the newest first.
    func last(_ count: Int) -> [FailedCall] {
        state.withLock { state in
            Array(state.calls.sorted { $0.number > $1.number }.prefix(count))
        }
    }
}
