/// What a trace says of one engine.
public struct EngineReport: Sendable {
    /// The process of the engine.
    public let process: String
    /// Its number there.
    public let engine: Int
    /// How often it went to sleep.
    public private(set) var sleeps: UInt64 = 0
    /// Nanoseconds asleep, of ``observed``.
    public private(set) var asleep: Int64 = 0
    /// Nanoseconds between its first and its last event of this kind.
    public private(set) var observed: Int64 = 0
    private let since: Int64
    private var last: Int64
    private var isAsleep: Bool

    init(process: String, engine: Int, isAsleep: Bool, at time: Int64) {
        self.process = process
        self.engine = engine
        self.isAsleep = isAsleep
        sleeps = isAsleep ? 1 : 0
        since = time
        last = time
    }

    mutating func add(isAsleep: Bool, at time: Int64) {
        if isAsleep { sleeps += 1 }
        if self.isAsleep { asleep += time - last }
        observed = time - since
        last = time
        self.isAsleep = isAsleep
    }
}

/// Calls of one kind that have failed with one error.
public struct FailedCallReport: Sendable {
    /// `PROGRAM (PID)`.
    public let process: String
    /// The device's number; `nil` for calls that are not about a channel.
    public let device: Int?
    /// The channel's number; `nil` as above.
    public let vchan: Int?
    /// The name of the call's event, without the provider: `copy`, `vchan_setup`.
    public let call: String
    /// The errno, positive.
    public let error: Int
    /// The sentence that the event has, beside the errno; most have none.
    public let reason: String?
    /// How many.
    public let count: UInt64
}
