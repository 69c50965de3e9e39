/// Makes memory accessible to the application's rings. It carries one file descriptor: a memory file that is sealed
/// against shrinking.
public struct RegisterMemory: WireMessage {
    /// The message's number on the wire.
    public static let kind = MessageKind.registerMemory

    /// The offset of the memory in the file, in bytes; a multiple of the page size.
    public var offset: UInt64
    /// The length of the memory in bytes; a multiple of the page size, and not 0.
    public var byteCount: UInt64
    /// Whether operations can write to the memory.
    public var isWritable: Bool

    /// Makes a request for a part of a file.
    public init(offset: UInt64, byteCount: UInt64, isWritable: Bool = true) {
        self.offset = offset
        self.byteCount = byteCount
        self.isWritable = isWritable
    }

    /// Encodes the members in wire order.
    public func write(to writer: inout WireWriter) {
        writer.put(offset)
        writer.put(byteCount)
        writer.put(UInt32(isWritable ? 1 : 0))
        writer.put(UInt32(0))
    }

    /// Decodes and validates the members; throws for a value that the protocol does not define.
    public init(from reader: inout WireReader) throws(WireError) {
        offset = try reader.number()
        byteCount = try reader.number()
        let rights = try reader.number(UInt32.self)
        guard rights <= 1 else { throw WireError("rights \(rights): only 0 (read) and 1 (read and write) are defined") }
        isWritable = rights == 1
        try reader.reserved(UInt32.self)
    }
}

/// The answer to ``RegisterMemory``.
public struct MemoryRegistered: WireMessage {
    /// The message's number on the wire.
    public static let kind = MessageKind.memoryRegistered

    /// The first address of the memory for operations.
    public var iova: UInt64

    /// Makes an answer for the registered memory.
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

/// Ends a registration of ``RegisterMemory``. After the answer ``Done``, no engine accesses the memory any more.
public struct UnregisterMemory: WireMessage {
    /// The message's number on the wire.
    public static let kind = MessageKind.unregisterMemory

    /// The first address, as ``MemoryRegistered`` has returned it.
    public var iova: UInt64

    /// Makes a request for the memory that begins at an address.
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
