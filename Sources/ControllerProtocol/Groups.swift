public import LinuxSystem

/// Creates an access group, or joins one. Answered with ``GroupEntered``.
///
/// Only these messages contain a token, and neither side stores them.
public struct EnterGroup: WireMessage {
    /// The message's number on the wire.
    public static let kind = MessageKind.enterGroup
    /// The length of a domain and of a token, in bytes.
    public static let byteCount = 16

    /// The group to join; -1: create a group.
    public var group: Int16
    /// For a new group: the highest number of members; 0: a pair.
    public var limit: UInt16
    /// The domain that becomes a member, 16 bytes.
    public var domain: [UInt8]
    /// The token of the group, 16 bytes.
    public var token: Secret
    /// The number of the device in the application: for display only, not checked.
    public var device: Int16

    /// Makes a request. Domain and token are ``byteCount`` bytes each.
    public init(group: Int16, limit: UInt16, domain: [UInt8], token: Secret, device: Int16 = -1) {
        self.group = group
        self.limit = limit
        self.domain = domain
        self.token = token
        self.device = device
    }

    /// Encodes the members in wire order.
    public func write(to writer: inout WireWriter) {
        writer.put(group)
        writer.put(limit)
        writer.put(domain)
        writer.put(token)
        writer.put(device)
    }

    /// Decodes and validates the members; throws for a value that the protocol does not define.
    public init(from reader: inout WireReader) throws(WireError) {
        group = try reader.number()
        limit = try reader.number()
        domain = try reader.take(Self.byteCount)
        token = try reader.secret(Self.byteCount)
        device = try reader.number()
        guard group >= -1 else { throw WireError("group \(group): group numbers start at 0, and -1 creates a group") }
    }
}

/// The answer to ``EnterGroup``.
public struct GroupEntered: WireMessage {
    /// The message's number on the wire.
    public static let kind = MessageKind.groupEntered

    /// The number of the group, from 0.
    public var group: Int16
    /// The member's handler, which its transfers use.
    public var handler: UInt16

    /// Makes an answer for a member that was admitted.
    public init(group: Int16, handler: UInt16) {
        self.group = group
        self.handler = handler
    }

    /// Encodes the members in wire order.
    public func write(to writer: inout WireWriter) {
        writer.put(group)
        writer.put(handler)
    }

    /// Decodes the members; throws when the message is too short.
    public init(from reader: inout WireReader) throws(WireError) {
        group = try reader.number()
        handler = try reader.number()
    }
}

/// Leaves a group, or destroys one. After the answer ``Done``, no engine accesses the revoked memory any more.
public struct ExitGroup: WireMessage {
    /// The message's number on the wire.
    public static let kind = MessageKind.exitGroup

    /// The group to leave or to destroy.
    public var group: Int16
    /// Whether the request destroys the group; else the device leaves it.
    public var destroys: Bool

    /// Makes a request of the device that is a member.
    public init(group: Int16, destroys: Bool) {
        self.group = group
        self.destroys = destroys
    }

    /// Encodes the members in wire order.
    public func write(to writer: inout WireWriter) {
        writer.put(group)
        writer.put(UInt16(destroys ? 1 : 0))
    }

    /// Decodes and validates the members; throws for a value that the protocol does not define.
    public init(from reader: inout WireReader) throws(WireError) {
        group = try reader.number()
        let how = try reader.number(UInt16.self)
        guard how <= 1 else { throw WireError("exit mode \(how): only 0 (leave) and 1 (destroy) are defined") }
        destroys = how == 1
    }
}

/// Requests one member of a group and a part of its windows. Answered with ``GroupMember``, or ``Failed`` with `ENOENT`
/// when the group has no member at this index.
public struct AskGroup: WireMessage {
    /// The message's number on the wire.
    public static let kind = MessageKind.askGroup

    /// The group to read.
    public var group: Int16
    /// The member's index in the order of joining, from 0.
    public var member: UInt16
    /// The index of the first window to return.
    public var window: UInt32

    /// Makes a request; increase `member` and `window` to read the whole group.
    public init(group: Int16, member: UInt16, window: UInt32) {
        self.group = group
        self.member = member
        self.window = window
    }

    /// Encodes the members in wire order.
    public func write(to writer: inout WireWriter) {
        writer.put(group)
        writer.put(member)
        writer.put(window)
    }

    /// Decodes the members; throws when the message is too short.
    public init(from reader: inout WireReader) throws(WireError) {
        group = try reader.number()
        member = try reader.number()
        window = try reader.number()
    }
}

/// The answer to ``AskGroup``.
public struct GroupMember: WireMessage {
    /// The message's number on the wire.
    public static let kind = MessageKind.groupMember
    /// The highest number of windows in one message.
    public static let maximumWindowCount = 64
    /// The highest number of devices in one message.
    public static let maximumDeviceCount = 64

    /// A window of the member.
    public struct Window: Sendable, Equatable {
        /// The window's first address, and its length in bytes.
        public var iova, byteCount: UInt64
        /// Rights of the other members, as bits: 1: read, 2: write.
        public var rights: UInt32

        /// Makes a window.
        public init(iova: UInt64, byteCount: UInt64, rights: UInt32) {
            self.iova = iova
            self.byteCount = byteCount
            self.rights = rights
        }
    }

    /// The highest number of members of the group; 0: a pair.
    public var limit: UInt16
    /// The number of members of the group.
    public var memberCount: UInt16
    /// The member's domain, 16 bytes.
    public var domain: [UInt8]
    /// The member's handler, which its transfers use.
    public var handler: UInt16
    /// Whether the member created the group.
    public var isCreator: Bool
    /// The process id of the member.
    public var processID: Int32
    /// The devices of the member, by the numbers that its process has sent; the first ``maximumDeviceCount``.
    public var devices: [Int16]
    /// The number of windows of the member.
    public var windowCount: UInt32
    /// Windows of the member, from the requested one; at most ``maximumWindowCount``.
    public var windows: [Window]

    /// Makes an answer.
    public init(
        limit: UInt16, memberCount: UInt16, domain: [UInt8], handler: UInt16, isCreator: Bool, processID: Int32,
        devices: [Int16] = [], windowCount: UInt32, windows: [Window]
    ) {
        self.limit = limit
        self.memberCount = memberCount
        self.domain = domain
        self.handler = handler
        self.isCreator = isCreator
        self.processID = processID
        self.devices = devices
        self.windowCount = windowCount
        self.windows = windows
    }

    /// Encodes the members in wire order.
    public func write(to writer: inout WireWriter) {
        writer.put(limit)
        writer.put(memberCount)
        writer.put(domain)
        writer.put(handler)
        writer.put(UInt16(isCreator ? 1 : 0))
        writer.put(processID)
        writer.put(UInt16(devices.count))
        for device in devices { writer.put(device) }
        writer.put(windowCount)
        writer.put(UInt16(windows.count))
        for window in windows {
            writer.put(window.iova)
            writer.put(window.byteCount)
            writer.put(window.rights)
        }
    }

    /// Decodes and validates the members; throws for a value that the protocol does not define.
    public init(from reader: inout WireReader) throws(WireError) {
        limit = try reader.number()
        memberCount = try reader.number()
        domain = try reader.take(EnterGroup.byteCount)
        handler = try reader.number()
        let made = try reader.number(UInt16.self)
        guard made <= 1 else { throw WireError("member role \(made): only 0 (joiner) and 1 (creator) are defined") }
        isCreator = made == 1
        processID = try reader.number()
        let deviceCount = Int(try reader.number(UInt16.self))
        guard deviceCount <= Self.maximumDeviceCount else {
            throw WireError("\(deviceCount) devices: a message has at most \(Self.maximumDeviceCount)")
        }
        devices = []
        for _ in 0..<deviceCount { devices.append(try reader.number()) }
        windowCount = try reader.number()
        let count = Int(try reader.number(UInt16.self))
        guard count <= Self.maximumWindowCount else {
            throw WireError("\(count) windows: a message has at most \(Self.maximumWindowCount)")
        }
        windows = []
        for _ in 0..<count {
            windows.append(
                Window(iova: try reader.number(), byteCount: try reader.number(), rights: try reader.number()))
        }
    }
}

/// The only notice: a group of the device has changed. The sequence in its header is 0.
public struct GroupChanged: WireMessage {
    /// The message's number on the wire.
    public static let kind = MessageKind.groupChanged

    /// 0: a domain has joined, 1: a domain has left, 2: the group was destroyed.
    public var change: UInt8
    /// The group that has changed.
    public var group: Int16
    /// The handler of the member that joined or left, or that created the group.
    public var handler: UInt16
    /// The domain of that member, 16 bytes.
    public var domain: [UInt8]

    /// Makes a notice.
    public init(change: UInt8, group: Int16, handler: UInt16, domain: [UInt8]) {
        self.change = change
        self.group = group
        self.handler = handler
        self.domain = domain
    }

    /// Encodes the members in wire order.
    public func write(to writer: inout WireWriter) {
        writer.put(change)
        writer.put(group)
        writer.put(handler)
        writer.put(domain)
    }

    /// Decodes and validates the members; throws for a value that the protocol does not define.
    public init(from reader: inout WireReader) throws(WireError) {
        change = try reader.number()
        group = try reader.number()
        handler = try reader.number()
        domain = try reader.take(EnterGroup.byteCount)
        guard change <= 2 else {
            throw WireError("group change \(change): only 0 (joined), 1 (left) and 2 (destroyed) are defined")
        }
    }
}
