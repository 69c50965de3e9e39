/// The answer to a request that gives nothing back.
public struct Done: WireMessage {
    /// What the header says.
    public static let kind = MessageKind.done

    /// The answer.
    public init() {}

    /// There are no members.
    public func write(to writer: inout WireWriter) {}

    /// There are no members.
    public init(from reader: inout WireReader) throws(WireError) {}
}

/// The answer to a request that was refused. Nothing has changed then.
public struct Failed: WireMessage {
    /// What the header says.
    public static let kind = MessageKind.failed

    /// What the C call returns, negated: above 0.
    public var errno: Int32
    /// What was wrong, and what is allowed.
    public var reason: String

    /// A refusal.
    public init(errno: Int32, reason: String) {
        self.errno = errno
        self.reason = reason
    }

    /// Writes the members.
    public func write(to writer: inout WireWriter) {
        writer.put(errno)
        writer.put(reason)
    }

    /// Reads the members.
    public init(from reader: inout WireReader) throws(WireError) {
        errno = try reader.number()
        reason = try reader.text()
        guard (1...4095).contains(errno) else { throw WireError("\(errno) is no errno") }
    }
}
