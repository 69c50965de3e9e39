/// One operation, as far as the trace has it. Times are those of events, in nanoseconds since 1970.
///
/// The event of a call is recorded when the call returns: the engine can have begun before. Where a difference is
/// negative, it counts as 0.
public struct TracedOperation: Equatable, Sendable {
    /// What the trace has of an operation.
    public struct Parts: OptionSet, Sendable {
        /// The bits.
        public let rawValue: UInt8
        /// From bits.
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        /// Its enqueue.
        public static let called = Parts(rawValue: 1)
        /// Its doorbell.
        public static let rung = Parts(rawValue: 2)
        /// Its start by the engine.
        public static let started = Parts(rawValue: 4)
        /// Its end.
        public static let finished = Parts(rawValue: 8)
        /// The poll that has returned it.
        public static let noticed = Parts(rawValue: 16)
        /// How many bytes it moves.
        public static let sized = Parts(rawValue: 32)
        /// It waits for all before it.
        public static let fence = Parts(rawValue: 64)
        /// `completed_burst` has its end, with durations.
        public static let published = Parts(rawValue: 128)
    }

    /// What is known.
    public internal(set) var parts: Parts = []
    /// 1 copy, 2 copy of lists, 3 fill; 0 if unknown.
    public internal(set) var kind: UInt8 = 0
    /// As `enum rte_dma_status_code`; 0 is successful.
    public internal(set) var status: UInt16 = 0
    /// Bytes to move, with ``Parts/sized``.
    public internal(set) var bytes: UInt64 = 0
    /// When its doorbell rang.
    public internal(set) var rungTime: Int64 = 0
    /// When the engine began with it.
    public internal(set) var startTime: Int64 = 0
    /// When it ended.
    public internal(set) var finishTime: Int64 = 0
    /// When a poll has returned it.
    public internal(set) var noticeTime: Int64 = 0
    /// Nanoseconds since the doorbell at its end, as the engine has measured them, with ``Parts/published``.
    var sinceDoorbell: Int64 = 0
    /// Nanoseconds since the engine began with its batch, 0 if unknown, with ``Parts/published``.
    var sinceStart: Int64 = 0

    /// Nanoseconds from doorbell to start.
    public var queueing: Int64? {
        if parts.isSuperset(of: [.rung, .started]) { return max(0, startTime - rungTime) }
        return parts.contains(.published) && sinceStart > 0 ? max(0, sinceDoorbell - sinceStart) : nil
    }

    /// Nanoseconds from start to end; of its batch, if the trace has only `completed_burst`.
    public var execution: Int64? {
        if parts.isSuperset(of: [.started, .finished]) { return max(0, finishTime - startTime) }
        return parts.contains(.published) && sinceStart > 0 ? sinceStart : nil
    }

    /// Nanoseconds from its end to the poll that has returned it.
    public var notice: Int64? {
        parts.isSuperset(of: [.finished, .noticed]) ? max(0, noticeTime - finishTime) : nil
    }

    /// Nanoseconds from the doorbell to the poll; to the end, if the trace has no poll.
    public var total: Int64? {
        if parts.isSuperset(of: [.rung, .noticed]) { return max(0, noticeTime - rungTime) }
        if parts.contains(.published) { return max(0, sinceDoorbell) }
        return parts.isSuperset(of: [.rung, .finished]) ? max(0, finishTime - rungTime) : nil
    }
}
