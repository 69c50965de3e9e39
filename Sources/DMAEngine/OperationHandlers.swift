/// The members whose memory one operation names, by their handlers, where it says so itself.
@frozen
public struct OperationHandlers {
    /// Whose memory the source addresses lie in.
    public let source: UInt16
    /// Whose memory the destination addresses lie in.
    public let destination: UInt16
    /// Which of the two hold: `DMADEV_DESC_SRC_HANDLER` and `DMADEV_DESC_DST_HANDLER`.
    public let marks: UInt8

    /// What the ring says.
    @inlinable
    @inline(__always)
    public static var none: OperationHandlers { OperationHandlers(source: 0, destination: 0, marks: 0) }

    @inlinable
    @inline(__always)
    init(source: UInt16, destination: UInt16, marks: UInt8) {
        self.source = source
        self.destination = destination
        self.marks = marks
    }

    /// What an operation's flags say: bits 4 and 6 that the source handler in bits 32 to 47 holds, bits 5 and 7 that the
    /// destination handler in bits 48 to 63 does.
    @inlinable
    @inline(__always)
    public init(flags: UInt64) {
        self.init(
            source: UInt16(truncatingIfNeeded: flags >> 32), destination: UInt16(truncatingIfNeeded: flags >> 48),
            marks: UInt8(truncatingIfNeeded: flags & 0x30 | (flags & 0xC0) >> 2))
    }
}
