/// An entry of `/dmadev/errors`.
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
    /// The sentence of the error.
    public let reason: String
}
