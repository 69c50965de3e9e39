public import ControllerProtocol

/// The payload of a frame that is not a packet.
public protocol LinkMessage: Sendable, Equatable {
    /// Encodes the members in wire order.
    func write(to writer: inout WireWriter)

    /// Decodes and validates the members; throws for a value that the protocol does not define.
    init(from reader: inout WireReader) throws(WireError)
}

extension LinkMessage {
    /// The length of the longest message in bytes; ``SourceList`` has its own limit.
    public static var maximumLength: Int { 512 }

    /// Decodes a payload; throws when it is too short, or bytes follow the last member.
    public init(_ payload: UnsafeRawBufferPointer) throws(WireError) {
        var reader = WireReader(payload)
        try self.init(from: &reader)
        try reader.finish()
    }

    /// Passes the encoded message to a closure.
    public func withPayload<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withUnsafeTemporaryAllocation(byteCount: SourceList.maximumLength, alignment: 8) {
            var writer = WireWriter($0)
            write(to: &writer)
            return body(UnsafeRawBufferPointer(rebasing: $0.prefix(writer.count)))
        }
    }
}

/// The guest starts a session.
public struct LinkHello: LinkMessage {
    /// The version of this protocol that this module implements.
    public static let version: UInt16 = 1

    /// The oldest and the newest version that the guest supports.
    public var lowestVersion, highestVersion: UInt16

    /// The greeting of a guest that supports these versions.
    public init(lowestVersion: UInt16 = Self.version, highestVersion: UInt16 = Self.version) {
        self.lowestVersion = lowestVersion
        self.highestVersion = highestVersion
    }

    /// Encodes the members in wire order.
    public func write(to writer: inout WireWriter) {
        writer.put(lowestVersion)
        writer.put(highestVersion)
    }

    /// Decodes and validates the members.
    public init(from reader: inout WireReader) throws(WireError) {
        lowestVersion = try reader.number()
        highestVersion = try reader.number()
        guard lowestVersion <= highestVersion else {
            throw WireError("versions \(lowestVersion) to \(highestVersion): the lowest version must come first")
        }
    }
}

/// The host's answer: the session exists.
public struct LinkWelcome: LinkMessage {
    /// The version that both sides use.
    public var version: UInt16
    /// The length of the shared memory on the host, in bytes.
    public var regionByteCount: UInt64
    /// The guest's name, as the host's configuration has it.
    public var domain: String

    /// The answer for a guest.
    public init(version: UInt16 = LinkHello.version, regionByteCount: UInt64, domain: String) {
        self.version = version
        self.regionByteCount = regionByteCount
        self.domain = domain
    }

    /// Encodes the members in wire order.
    public func write(to writer: inout WireWriter) {
        writer.put(version)
        writer.put(regionByteCount)
        writer.put(domain)
    }

    /// Decodes and validates the members.
    public init(from reader: inout WireReader) throws(WireError) {
        version = try reader.number()
        regionByteCount = try reader.number()
        domain = try reader.text()
    }
}

/// What a new connection leads to.
public enum OpenRequest: LinkMessage {
    /// The guest opens a connection to the controller for one of its processes. What it says about the process is not
    /// checked.
    case control(processID: Int32, userID: UInt32, identity: UInt64)
    /// The host opens a connection to a telemetry socket of the guest.
    case telemetry(source: String)

    /// Encodes the members in wire order.
    public func write(to writer: inout WireWriter) {
        switch self {
        case .control(let processID, let userID, let identity):
            writer.put(UInt32(1))
            writer.put(processID)
            writer.put(userID)
            writer.put(identity)
        case .telemetry(let source):
            writer.put(UInt32(2))
            writer.put(source)
        }
    }

    /// Decodes and validates the members.
    public init(from reader: inout WireReader) throws(WireError) {
        switch try reader.number(UInt32.self) {
        case 1:
            self = .control(
                processID: try reader.number(), userID: try reader.number(), identity: try reader.number())
        case 2: self = .telemetry(source: try reader.text())
        case let kind: throw WireError("connection kind \(kind) is not defined")
        }
    }
}

/// The telemetry sockets of the guest. Each list replaces the previous one.
public struct SourceList: LinkMessage {
    /// The highest number of sockets.
    public static let maximumCount = 64
    /// The length of the longest list in bytes.
    public static let maximumLength = 4 + maximumCount * (2 + Packet.maximumTextLength)

    /// The names; each is unique.
    public var names: [String]

    /// A list; names after ``maximumCount`` are left out.
    public init(_ names: [String]) {
        self.names = Array(names.prefix(Self.maximumCount))
    }

    /// Encodes the members in wire order.
    public func write(to writer: inout WireWriter) {
        writer.put(UInt32(names.count))
        for name in names { writer.put(name) }
    }

    /// Decodes and validates the members.
    public init(from reader: inout WireReader) throws(WireError) {
        let count = Int(try reader.number(UInt32.self))
        guard count <= Self.maximumCount else {
            throw WireError("\(count) telemetry sockets: a list has at most \(Self.maximumCount)")
        }
        names = []
        for _ in 0..<count { names.append(try reader.text()) }
        guard Set(names).count == count else { throw WireError("two telemetry sockets have the same name") }
    }
}

/// Why the sender ends the session.
public struct SessionFailure: LinkMessage, Error {
    /// A sentence: what is wrong, and what is allowed.
    public var reason: String

    /// Makes the notice.
    public init(_ reason: String) {
        self.reason = reason
    }

    /// Encodes the members in wire order.
    public func write(to writer: inout WireWriter) {
        writer.put(reason)
    }

    /// Decodes and validates the members.
    public init(from reader: inout WireReader) throws(WireError) {
        reason = try reader.text()
    }
}
