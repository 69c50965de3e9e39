/// The successful answer to a request that has no result.
public struct Done: WireMessage {
    /// The message's number on the wire.
    public static let kind = MessageKind.done

    /// Makes an answer; there is nothing to set.
    public init() {}

    /// Encodes nothing: the message has no members.
    public func write(to writer: inout WireWriter) {}

    /// Decodes nothing: the message has no members.
    public init(from reader: inout WireReader) throws(WireError) {}
}

/// The answer to a refused request. The request has changed nothing.
public struct Failed: WireMessage {
    /// The message's number on the wire.
    public static let kind = MessageKind.failed

    /// The error number, 1 to 4,095; the C call returns it negated.
    public var errno: Int32
    /// What is wrong, and what is allowed; cut off after ``Packet/maximumTextLength`` bytes.
    public var reason: String

    /// Makes the answer to a refused request.
    public init(errno: Int32, reason: String) {
        self.errno = errno
        self.reason = reason
    }

    /// Encodes the members in wire order.
    public func write(to writer: inout WireWriter) {
        writer.put(errno)
        writer.put(reason)
    }

    /// Decodes and validates the members; throws for a value that the protocol does not define.
    public init(from reader: inout WireReader) throws(WireError) {
        errno = try reader.number()
        reason = try reader.text()
        guard (1...4095).contains(errno) else { throw WireError("errno \(errno) is not in 1 to 4095") }
    }
}
