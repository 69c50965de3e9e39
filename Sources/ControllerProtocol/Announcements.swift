/// Requests one ``RingPublished`` when a ring has so many finished operations, or is halted. Answered with ``Done``, or
/// ``Failed`` with `EINVAL` when the channel has no started ring. A ring has one watch: a newer request replaces the
/// older.
///
/// Since version 5 of the protocol.
public struct WatchRing: WireMessage {
    /// The message's number on the wire.
    public static let kind = MessageKind.watchRing

    /// The virtual channel of the ring.
    public var vchan: UInt16
    /// The number of finished operations, counted from the ring's start. All values are allowed: the numbers wrap.
    public var target: UInt64

    /// Makes a request for a started ring.
    public init(vchan: UInt16, target: UInt64) {
        self.vchan = vchan
        self.target = target
    }

    /// Encodes the members in wire order.
    public func write(to writer: inout WireWriter) {
        writer.put(vchan)
        writer.put(UInt16(0))
        writer.put(target)
    }

    /// Decodes and validates the members; throws for a value that the protocol does not define.
    public init(from reader: inout WireReader) throws(WireError) {
        vchan = try reader.number()
        try reader.reserved(UInt16.self)
        target = try reader.number()
    }
}

/// A notice: a ring that ``WatchRing`` named has published. The sequence in its header is 0.
///
/// It can belong to a request that a newer one has replaced, or to a ring that was stopped: the receiver reads the ring's
/// count, and if it is too low, waits on.
public struct RingPublished: WireMessage {
    /// The message's number on the wire.
    public static let kind = MessageKind.ringPublished

    /// The virtual channel of the ring.
    public var vchan: UInt16

    /// Makes a notice.
    public init(vchan: UInt16) {
        self.vchan = vchan
    }

    /// Encodes the members in wire order.
    public func write(to writer: inout WireWriter) {
        writer.put(vchan)
    }

    /// Decodes the members; throws when the message is too short.
    public init(from reader: inout WireReader) throws(WireError) {
        vchan = try reader.number()
    }
}
