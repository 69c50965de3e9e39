/// Asks for the ring of a virtual channel. The engine serves it from the answer on.
public struct AttachRing: WireMessage {
    /// What the header says.
    public static let kind = MessageKind.attachRing

    /// The channel; each has one ring at a time.
    public var vchan: UInt16
    /// Most operations in the ring at a time.
    public var descriptorCount: UInt16
    /// Most entries of a scatter-gather list.
    public var maximumEntryCount: UInt16
    /// Whose memory addresses lie in where an operation says nothing else; 0: local.
    public var sourceHandler, destinationHandler: UInt16

    /// A ring.
    public init(
        vchan: UInt16, descriptorCount: UInt16, maximumEntryCount: UInt16, sourceHandler: UInt16 = 0,
        destinationHandler: UInt16 = 0
    ) {
        self.sourceHandler = sourceHandler
        self.destinationHandler = destinationHandler
        self.vchan = vchan
        self.descriptorCount = descriptorCount
        self.maximumEntryCount = maximumEntryCount
    }

    /// Writes the members.
    public func write(to writer: inout WireWriter) {
        writer.put(vchan)
        writer.put(descriptorCount)
        writer.put(maximumEntryCount)
        writer.put(UInt16(0))
        writer.put(sourceHandler)
        writer.put(destinationHandler)
    }

    /// Reads the members.
    public init(from reader: inout WireReader) throws(WireError) {
        vchan = try reader.number()
        descriptorCount = try reader.number()
        maximumEntryCount = try reader.number()
        try reader.reserved(UInt16.self)
        sourceHandler = try reader.number()
        destinationHandler = try reader.number()
    }
}

/// The answer to ``AttachRing``. It brings two descriptors: the memory that the application writes, and the memory that
/// the engine writes and the application can only read.
public struct RingAttached: WireMessage {
    /// What the header says.
    public static let kind = MessageKind.ringAttached

    /// The channel.
    public var vchan: UInt16

    /// The answer.
    public init(vchan: UInt16) {
        self.vchan = vchan
    }

    /// Writes the members.
    public func write(to writer: inout WireWriter) {
        writer.put(vchan)
    }

    /// Reads the members.
    public init(from reader: inout WireReader) throws(WireError) {
        vchan = try reader.number()
    }
}

/// Takes all rings off the engine: running operations finish, queued ones are aborted. Answered with ``Done`` when that
/// has happened.
public struct StopRings: WireMessage {
    /// What the header says.
    public static let kind = MessageKind.stopRings

    /// The request.
    public init() {}

    /// There are no members.
    public func write(to writer: inout WireWriter) {}

    /// There are no members.
    public init(from reader: inout WireReader) throws(WireError) {}
}
