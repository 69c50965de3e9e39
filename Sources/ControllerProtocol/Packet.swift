internal import LinuxSystem

/// One message of the control socket with its header: what one packet holds.
///
/// ```
/// 0        2        4                 8
/// │ kind   │ 0      │ sequence        │ members, lowest byte first, without gaps
/// ```
///
/// A reply bears the sequence of its request; a notice bears 0.
public enum Packet {
    /// Bytes before the members.
    public static let headerLength = 8
    /// The longest packet. A longer one is refused unread.
    public static let maximumLength = 2048
    /// The longest text in a message.
    public static let maximumTextLength = 400
    /// The most descriptors that a packet brings.
    public static let maximumDescriptorCount = 2

    /// What stands before the members.
    public struct Header: Sendable, Equatable {
        /// What the message is.
        public let kind: MessageKind
        /// The request that it is or answers; 0: a notice.
        public let sequence: UInt32
    }

    /// The bytes of a message that holds no secret.
    public static func encode(_ message: some WireMessage, sequence: UInt32) -> [UInt8] {
        withBytes(of: message, sequence: sequence) { Array($0) }
    }

    /// Lends the bytes of a message, and wipes them then: there may be a secret in them.
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

    /// Reads the header of a packet.
    public static func header(of bytes: UnsafeRawBufferPointer) throws(WireError) -> Header {
        var reader = WireReader(bytes)
        let kind = try reader.number(UInt16.self)
        try reader.reserved(UInt16.self)
        let sequence = try reader.number(UInt32.self)
        guard let known = MessageKind(rawValue: kind) else { throw WireError("there is no message of kind \(kind)") }
        return Header(kind: known, sequence: sequence)
    }

    /// Reads the header of a packet.
    public static func header(of bytes: [UInt8]) throws(WireError) -> Header {
        try bytes.withUnsafeBufferPointer { bytes throws(WireError) in try header(of: UnsafeRawBufferPointer(bytes)) }
    }

    /// Reads the message of a packet whose header says that it is one.
    public static func decode<Message: WireMessage>(
        _ type: Message.Type = Message.self, from bytes: UnsafeRawBufferPointer
    ) throws(WireError) -> Message {
        let header = try header(of: bytes)
        guard header.kind == Message.kind else {
            throw WireError("a message of kind \(header.kind) where \(Message.kind) belongs")
        }
        var reader = WireReader(UnsafeRawBufferPointer(rebasing: bytes.dropFirst(headerLength)))
        let message = try Message(from: &reader)
        try reader.finish()
        return message
    }

    /// Reads the message of a packet that holds no secret.
    public static func decode<Message: WireMessage>(
        _ type: Message.Type = Message.self, from bytes: [UInt8]
    ) throws(WireError) -> Message {
        try bytes.withUnsafeBufferPointer { bytes throws(WireError) in
            try decode(type, from: UnsafeRawBufferPointer(bytes))
        }
    }
}

/// A message: its members in the order of the wire.
public protocol WireMessage: Sendable, Equatable {
    /// What the header says.
    static var kind: MessageKind { get }

    /// Writes the members.
    func write(to writer: inout WireWriter)

    /// Reads the members, and judges those that can be judged by themselves.
    init(from reader: inout WireReader) throws(WireError)
}

/// What a message is. A number that was given away is never used for something else.
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
    /// ``AskGroup``
    case askGroup = 14
    /// ``GroupMember``
    case groupMember = 15
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
}
