/// Lets the members of a group reach memory. It brings one descriptor, as ``RegisterMemory`` does. Answered with
/// ``WindowOpened``.
public struct OpenWindow: WireMessage {
    /// What the header says.
    public static let kind = MessageKind.openWindow

    /// The group.
    public var group: Int16
    /// 1: read, 2: write.
    public var rights: UInt16
    /// Where in the file the memory begins, and how much it is; multiples of the page size.
    public var offset, byteCount: UInt64

    /// A request.
    public init(group: Int16, rights: UInt16, offset: UInt64, byteCount: UInt64) {
        self.group = group
        self.rights = rights
        self.offset = offset
        self.byteCount = byteCount
    }

    /// Writes the members.
    public func write(to writer: inout WireWriter) {
        writer.put(group)
        writer.put(rights)
        writer.put(offset)
        writer.put(byteCount)
    }

    /// Reads the members.
    public init(from reader: inout WireReader) throws(WireError) {
        group = try reader.number()
        rights = try reader.number()
        offset = try reader.number()
        byteCount = try reader.number()
        guard (1...3).contains(rights) else { throw WireError("rights \(rights): read (1), write (2) or both") }
    }
}

/// The answer to ``OpenWindow``.
public struct WindowOpened: WireMessage {
    /// What the header says.
    public static let kind = MessageKind.windowOpened

    /// The member that owns it.
    public var handler: UInt16
    /// Its first address.
    public var iova: UInt64

    /// The answer.
    public init(handler: UInt16, iova: UInt64) {
        self.handler = handler
        self.iova = iova
    }

    /// Writes the members.
    public func write(to writer: inout WireWriter) {
        writer.put(handler)
        writer.put(UInt16(0))
        writer.put(iova)
    }

    /// Reads the members.
    public init(from reader: inout WireReader) throws(WireError) {
        handler = try reader.number()
        try reader.reserved(UInt16.self)
        iova = try reader.number()
    }
}

/// Takes a window away. When it is answered with ``Done``, no engine touches it any more.
public struct CloseWindow: WireMessage {
    /// What the header says.
    public static let kind = MessageKind.closeWindow

    /// Its first address.
    public var iova: UInt64

    /// A request.
    public init(iova: UInt64) {
        self.iova = iova
    }

    /// Writes the members.
    public func write(to writer: inout WireWriter) {
        writer.put(iova)
    }

    /// Reads the members.
    public init(from reader: inout WireReader) throws(WireError) {
        iova = try reader.number()
    }
}

/// Asks whether a handler is that of a live member of a group of the device. Answered with ``Done``, or ``Failed`` with
/// `EINVAL`.
public struct CheckHandler: WireMessage {
    /// What the header says.
    public static let kind = MessageKind.checkHandler

    /// The handler.
    public var handler: UInt16

    /// A request.
    public init(handler: UInt16) {
        self.handler = handler
    }

    /// Writes the members.
    public func write(to writer: inout WireWriter) {
        writer.put(handler)
    }

    /// Reads the members.
    public init(from reader: inout WireReader) throws(WireError) {
        handler = try reader.number()
    }
}
