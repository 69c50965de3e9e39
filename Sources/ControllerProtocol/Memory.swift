/// Makes memory accessible to the application's rings. It carries one file descriptor: a memory file that is sealed
/// against shrinking. With a region it carries none, and the memory is a part of the region.
public struct RegisterMemory: WireMessage {
    /// The message's number on the wire.
    public static let kind = MessageKind.registerMemory

    /// The offset of the memory in the file or region, in bytes; a multiple of the page size.
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

/// Requests memory of the connection's region. The broker that shares out the region answers it with ``MemoryAllocated``;
/// a controller refuses it with `ENOTSUP`.
public struct AllocateMemory: WireMessage {
    /// The message's number on the wire.
    public static let kind = MessageKind.allocateMemory

    /// The length in bytes, rounded up to whole pages; 1 or more.
    public var byteCount: UInt64

    /// Makes a request for memory.
    public init(byteCount: UInt64) {
        self.byteCount = byteCount
    }

    /// Encodes the members in wire order.
    public func write(to writer: inout WireWriter) {
        writer.put(byteCount)
    }

    /// Decodes and validates the members; throws for a value that the protocol does not define.
    public init(from reader: inout WireReader) throws(WireError) {
        byteCount = try reader.number()
        guard byteCount > 0 else { throw WireError("memory of 0 bytes: the minimum is 1") }
    }
}

/// The answer to ``AllocateMemory``. The memory is not zeroed.
public struct MemoryAllocated: WireMessage {
    /// The message's number on the wire.
    public static let kind = MessageKind.memoryAllocated

    /// The offset of the memory in the region; a multiple of the page size, and not 0.
    public var offset: UInt64

    /// Makes an answer for the allocated memory.
    public init(offset: UInt64) {
        self.offset = offset
    }

    /// Encodes the members in wire order.
    public func write(to writer: inout WireWriter) {
        writer.put(offset)
    }

    /// Decodes the members; throws when the message is too short.
    public init(from reader: inout WireReader) throws(WireError) {
        offset = try reader.number()
    }
}

/// Frees memory of ``AllocateMemory``, which neither a ring nor a registration nor a window may use any more. Answered with
/// ``Done``, by the broker too.
public struct FreeMemory: WireMessage {
    /// The message's number on the wire.
    public static let kind = MessageKind.freeMemory

    /// The offset, as ``MemoryAllocated`` has returned it.
    public var offset: UInt64

    /// Makes a request for the memory that begins at an offset.
    public init(offset: UInt64) {
        self.offset = offset
    }

    /// Encodes the members in wire order.
    public func write(to writer: inout WireWriter) {
        writer.put(offset)
    }

    /// Decodes the members; throws when the message is too short.
    public init(from reader: inout WireReader) throws(WireError) {
        offset = try reader.number()
    }
}
