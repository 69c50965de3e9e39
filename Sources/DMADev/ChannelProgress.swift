/// How far the operations of a channel have come: its status, and for how long nothing has changed.
public struct ChannelProgress: Sendable, Equatable {
    /// A channel's status, with one more state than DPDK has.
    public enum State: String, Sendable, CaseIterable {
        /// Everything that was rung is finished.
        case idle
        /// An operation that was rung is not finished.
        case active
        /// The same, and nothing has finished for a time.
        case stuck
        /// The device is halted: the engine or the controller has ended.
        case halted
    }

    /// The time without a finished operation after which an active channel is stuck, unless another one is chosen.
    public static let defaultStuckTime = Duration.seconds(1)

    /// The status as in DPDK.
    public var status: VirtualChannelStatus
    /// Time since the doorbell of the oldest operation that is not finished; `nil`: there is none, or the driver does not
    /// know.
    public var oldestOperationAge: Duration?
    /// Time since operations were last finished; `nil`: never, or the driver does not know.
    public var lastCompletionAge: Duration?

    /// A driver that does not measure times passes the status only.
    public init(
        status: VirtualChannelStatus, oldestOperationAge: Duration? = nil, lastCompletionAge: Duration? = nil
    ) {
        self.status = status
        self.oldestOperationAge = oldestOperationAge
        self.lastCompletionAge = lastCompletionAge
    }

    /// The status, with *stuck* for an active channel on which nothing has finished for a time.
    ///
    /// The time counts from the last completion or from the doorbell of the oldest operation, whichever is later.
    public func state(stuckAfter time: Duration = defaultStuckTime) -> State {
        switch status {
        case .idle: return .idle
        case .haltedError: return .halted
        case .active:
            guard let oldest = oldestOperationAge else { return .active }
            return min(oldest, lastCompletionAge ?? oldest) >= time ? .stuck : .active
        }
    }
}

extension Duration {
    /// Whole nanoseconds, for a duration from 0 to 500 years.
    package var inNanoseconds: UInt64 {
        UInt64(components.seconds) * 1_000_000_000 + UInt64(components.attoseconds) / 1_000_000_000
    }
}
