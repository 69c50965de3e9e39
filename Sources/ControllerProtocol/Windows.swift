/// Makes memory accessible to the members of a group. It carries one file descriptor, as ``RegisterMemory`` does.
/// Answered with ``WindowOpened``.
public struct OpenWindow: WireMessage {
    /// The message's number on the wire.
    public static let kind = MessageKind.openWindow

    /// The group whose members get access.
    public var group: Int16
    /// Rights of the other members, as bits: 1: read, 2: write.
    public var rights: UInt16
    /// The offset of the memory in the file or region and its length, in bytes; multiples of the page size.
    public var offset, byteCount: UInt64

    /// Makes a request for a part of a file.
    public init(group: Int16, rights: UInt16, offset: UInt64, byteCount: UInt64) {
        self.group = group
        self.rights = rights
        self.offset = offset
        self.byteCount = byteCount
    }

    /// Encodes the members in wire order.
    public func write(to writer: inout WireWriter) {
        writer.put(group)
        writer.put(rights)
        writer.put(offset)
        writer.put(byteCount)
    }

    /// Decodes and validates the members; throws for a value that the protocol does not define.
    public init(from reader: inout WireReader) throws(WireError) {
        group = try reader.number()
        rights = try reader.number()
        offset = try reader.number()
        byteCount = try reader.number()
        guard (1...3).contains(rights) else {
            throw WireError("rights \(rights): only 1 (read), 2 (write) and 3 (both) are defined")
        }
    }
}

/// The answer to ``OpenWindow``.
public struct WindowOpened: WireMessage {
    /// The message's number on the wire.
    public static let kind = MessageKind.windowOpened

    /// The handler of the member that owns the window.
    public var handler: UInt16
    /// The first address of the window.
    public var iova: UInt64

    /// Makes an answer for the opened window.
    public init(handler: UInt16, iova: UInt64) {
        self.handler = handler
        self.iova = iova
    }

    /// Encodes the members in wire order.
    public func write(to writer: inout WireWriter) {
        writer.put(handler)
        writer.put(UInt16(0))
        writer.put(iova)
    }

    /// Decodes and validates the members; throws for a value that the protocol does not define.
    public init(from reader: inout WireReader) throws(WireError) {
        handler = try reader.number()
        try reader.reserved(UInt16.self)
        iova = try reader.number()
    }
}

/// Closes a window. After the answer ``Done``, no engine accesses it any more.
public struct CloseWindow: WireMessage {
    /// The message's number on the wire.
    public static let kind = MessageKind.closeWindow

    /// The first address, as ``WindowOpened`` has returned it.
    public var iova: UInt64

    /// Makes a request for the window that begins at an address.
    public init(iova: UInt64) {
        self.iova = iova
    }

    /// Encodes the members in wire order.
    public func write(to writer: inout WireWriter) {
        writer.put(iova)
    }

    /// Decodes the members; throws when the message is too short.
    public init(from reader: inout WireReader) throws(WireError) {
        iova = try reader.number()
    }
}

/// Checks whether a live member of a group of the device has a handler. Answered with ``Done``, or ``Failed`` with
/// `EINVAL`.
public struct CheckHandler: WireMessage {
    /// The message's number on the wire.
    public static let kind = MessageKind.checkHandler

    /// The handler to check.
    public var handler: UInt16

    /// Makes a request for one handler.
    public init(handler: UInt16) {
        self.handler = handler
    }

    /// Encodes the members in wire order.
    public func write(to writer: inout WireWriter) {
        writer.put(handler)
    }

    /// Decodes the members; throws when the message is too short.
    public init(from reader: inout WireReader) throws(WireError) {
        handler = try reader.number()
    }
}
