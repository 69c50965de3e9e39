internal import LinuxSystem

/// One packet of the control socket: one message with its header.
///
/// ```
/// 0        2        4                 8
/// │ kind   │ 0      │ sequence        │ members, lowest byte first, without gaps
/// ```
///
/// A reply has the sequence of its request; a notice has 0.
public enum Packet {
    /// The length of the header in bytes.
    public static let headerLength = 8
    /// The length of the longest packet in bytes. A longer packet is rejected before it is decoded.
    public static let maximumLength = 2048
    /// The length of the longest text in a message, in bytes.
    public static let maximumTextLength = 400
    /// The highest number of file descriptors that a packet carries.
    public static let maximumDescriptorCount = 2

    /// The part of a packet before the members.
    public struct Header: Sendable, Equatable {
        /// The kind of the message.
        public let kind: MessageKind
        /// The number of the request that this message is or answers; 0: a notice.
        public let sequence: UInt32
    }

    /// Encodes a message that contains no secret.
    public static func encode(_ message: some WireMessage, sequence: UInt32) -> [UInt8] {
        withBytes(of: message, sequence: sequence) { Array($0) }
    }

    /// Passes the bytes of a message to a closure and wipes them afterwards: they can contain a secret.
    public static func withBytes<Result>(
        of message: some WireMessage, sequence: UInt32, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        withUnsafeTemporaryAllocation(byteCount: maximumLength, alignment: 8) { memory in
            var writer = WireWriter(memory)
            writer.put(type(of: message).kind.rawValue)
            writer.put(UInt16(0))
            writer.put(sequence)
            message.write(to: &writer)
            let bytes = UnsafeMutableRawBufferPointer(rebasing: memory.prefix(writer.count))
            defer { RandomBytes.wipe(bytes) }
            return body(UnsafeRawBufferPointer(bytes))
        }
    }

    /// Decodes the header of a packet; throws for an unknown kind and for a reserved member that is not 0.
    public static func header(of bytes: UnsafeRawBufferPointer) throws(WireError) -> Header {
        var reader = WireReader(bytes)
        let kind = try reader.number(UInt16.self)
        try reader.reserved(UInt16.self)
        let sequence = try reader.number(UInt32.self)
        guard let known = MessageKind(rawValue: kind) else { throw WireError("message kind \(kind) is not defined") }
        return Header(kind: known, sequence: sequence)
    }

    /// Decodes the header of a packet; throws for an unknown kind and for a reserved member that is not 0.
    public static func header(of bytes: [UInt8]) throws(WireError) -> Header {
        try bytes.withUnsafeBufferPointer { bytes throws(WireError) in try header(of: UnsafeRawBufferPointer(bytes)) }
    }

    /// Decodes the message of a packet; throws when the header has another kind, or bytes follow the last member.
    public static func decode<Message: WireMessage>(
        _ type: Message.Type = Message.self, from bytes: UnsafeRawBufferPointer
    ) throws(WireError) -> Message {
        let header = try header(of: bytes)
        guard header.kind == Message.kind else {
            throw WireError("the message is of kind \(header.kind), but \(Message.kind) is expected")
        }
        var reader = WireReader(UnsafeRawBufferPointer(rebasing: bytes.dropFirst(headerLength)))
        let message = try Message(from: &reader)
        try reader.finish()
        return message
    }

    /// Decodes the message of a packet that contains no secret.
    public static func decode<Message: WireMessage>(
        _ type: Message.Type = Message.self, from bytes: [UInt8]
    ) throws(WireError) -> Message {
        try bytes.withUnsafeBufferPointer { bytes throws(WireError) in
            try decode(type, from: UnsafeRawBufferPointer(bytes))
        }
    }
}

/// A message: it encodes and decodes its members in wire order.
public protocol WireMessage: Sendable, Equatable {
    /// The message's number on the wire.
    static var kind: MessageKind { get }

    /// Encodes the members in wire order.
    func write(to writer: inout WireWriter)

    /// Decodes the members, and validates those that need no other information; throws for a value that the protocol
    /// does not define.
    init(from reader: inout WireReader) throws(WireError)
}

/// The kind of a message. A number that was assigned once is never used for another message.
public enum MessageKind: UInt16, Sendable, CaseIterable {
    /// ``Hello``
    case hello = 1
    /// ``Welcome``
    case welcome = 2
    /// ``Done``
    case done = 3
    /// ``Failed``
    case failed = 4
    /// ``AttachRing``
    case attachRing = 5
    /// ``RingAttached``
    case ringAttached = 6
    /// ``StopRings``
    case stopRings = 7
    /// ``RegisterMemory``
    case registerMemory = 8
    /// ``MemoryRegistered``
    case memoryRegistered = 9
    /// ``UnregisterMemory``
    case unregisterMemory = 10
    /// ``EnterGroup``
    case enterGroup = 11
    /// ``GroupEntered``
    case groupEntered = 12
    /// ``ExitGroup``
    case exitGroup = 13
    /// ``ReadGroup``
    case readGroup = 14
    /// ``OpenWindow``
    case openWindow = 16
    /// ``WindowOpened``
    case windowOpened = 17
    /// ``CloseWindow``
    case closeWindow = 18
    /// ``CheckHandler``
    case checkHandler = 19
    /// ``GroupChanged``
    case groupChanged = 20
    /// ``GroupMembers``
    case groupMembers = 21
    /// ``StartRing``
    case startRing = 22
    /// ``AllocateMemory``
    case allocateMemory = 23
    /// ``MemoryAllocated``
    case memoryAllocated = 24
    /// ``FreeMemory``
    case freeMemory = 25
    /// ``WatchRing``
    case watchRing = 26
    /// ``RingPublished``
    case ringPublished = 27
}
