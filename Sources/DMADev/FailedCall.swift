/// Failed calls of one kind: the same call of the same device or channel, for the same reason. A row of
/// `/dmadev/errors`.
public struct FailedCall: Sendable, Equatable {
    /// The call, named as in traces: `vchan_setup`, `copy`.
    public let call: String
    /// The device's number; -1 for a call of the registry without one.
    public let device: Int16
    /// The channel of a data call; `nil` for a control call, and for a number that the device does not have.
    public let vchan: UInt16?
    /// What the last of the C calls returned, negated.
    public let errno: Int32
    /// The sentence of the error: what was wrong, and what is allowed.
    public let reason: String
    /// Number of failed calls, from 1.
    public internal(set) var count: UInt64
    /// Time of the first one, in nanoseconds since 1970.
    public let first: UInt64
    /// Time of the last one, in nanoseconds since 1970.
    public internal(set) var last: UInt64
}
