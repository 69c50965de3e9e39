/// Makes memory reachable for the application's rings. It brings one descriptor: a file in memory that is sealed against
/// becoming shorter.
public struct RegisterMemory: WireMessage {
    /// What the header says.
    public static let kind = MessageKind.registerMemory

    /// Where in the file the memory begins; a multiple of the page size.
    public var offset: UInt64
    /// How much it is; a multiple of the page size, and not 0.
    public var byteCount: UInt64
    /// Whether operations may write to it.
    public var isWritable: Bool

    /// A part of a file.
    public init(offset: UInt64, byteCount: UInt64, isWritable: Bool = true) {
        self.offset = offset
        self.byteCount = byteCount
        self.isWritable = isWritable
    }

    /// Writes the members.
    public func write(to writer: inout WireWriter) {
        writer.put(offset)
        writer.put(byteCount)
        writer.put(UInt32(isWritable ? 1 : 0))
        writer.put(UInt32(0))
    }

    /// Reads the members.
    public init(from reader: inout WireReader) throws(WireError) {
        offset = try reader.number()
        byteCount = try reader.number()
        let rights = try reader.number(UInt32.self)
        guard rights <= 1 else { throw WireError("rights \(rights): 0 (read) and 1 (read and write) are defined") }
        isWritable = rights == 1
        try reader.reserved(UInt32.self)
    }
}

/// The answer to ``RegisterMemory``.
public struct MemoryRegistered: WireMessage {
    /// What the header says.
    public static let kind = MessageKind.memoryRegistered

    /// Where operations find the memory.
    public var iova: UInt64

    /// The answer.
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

/// Ends that. When it is answered with ``Done``, no engine touches the memory any more.
public struct UnregisterMemory: WireMessage {
    /// What the header says.
    public static let kind = MessageKind.unregisterMemory

    /// Where the memory begins.
    public var iova: UInt64

    /// The request.
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
