public import LinuxSystem

/// Makes an access group, or joins one. Answered with ``GroupEntered``.
///
/// The token is in these messages only, and nobody keeps them.
public struct EnterGroup: WireMessage {
    /// What the header says.
    public static let kind = MessageKind.enterGroup
    /// Bytes of a domain's name and of a token.
    public static let byteCount = 16

    /// The group to join; -1: a new one.
    public var group: Int16
    /// For a new one: most members; 0: a pair.
    public var limit: UInt16
    /// Who enters.
    public var domain: [UInt8]
    /// What opens the group.
    public var token: Secret
    /// The number of the device in the application, which nobody checks: for people.
    public var device: Int16

    /// A request. Domain and token are 16 bytes each.
    public init(group: Int16, limit: UInt16, domain: [UInt8], token: Secret, device: Int16 = -1) {
        self.group = group
        self.limit = limit
        self.domain = domain
        self.token = token
        self.device = device
    }

    /// Writes the members.
    public func write(to writer: inout WireWriter) {
        writer.put(group)
        writer.put(limit)
        writer.put(domain)
        writer.put(token)
        writer.put(device)
    }

    /// Reads the members.
    public init(from reader: inout WireReader) throws(WireError) {
        group = try reader.number()
        limit = try reader.number()
        domain = try reader.take(Self.byteCount)
        token = try reader.secret(Self.byteCount)
        device = try reader.number()
        guard group >= -1 else { throw WireError("group \(group): groups are numbered from 0, -1 is a new one") }
    }
}

/// The answer to ``EnterGroup``.
public struct GroupEntered: WireMessage {
    /// What the header says.
    public static let kind = MessageKind.groupEntered

    /// The group.
    public var group: Int16
    /// The member's number in transfers.
    public var handler: UInt16

    /// The answer.
    public init(group: Int16, handler: UInt16) {
        self.group = group
        self.handler = handler
    }

    /// Writes the members.
    public func write(to writer: inout WireWriter) {
        writer.put(group)
        writer.put(handler)
    }

    /// Reads the members.
    public init(from reader: inout WireReader) throws(WireError) {
        group = try reader.number()
        handler = try reader.number()
    }
}

/// Leaves a group, or ends one. When it is answered with ``Done``, no engine touches what is revoked by it.
public struct ExitGroup: WireMessage {
    /// What the header says.
    public static let kind = MessageKind.exitGroup

    /// The group.
    public var group: Int16
    /// Whether the group is to end.
    public var destroys: Bool

    /// A request.
    public init(group: Int16, destroys: Bool) {
        self.group = group
        self.destroys = destroys
    }

    /// Writes the members.
    public func write(to writer: inout WireWriter) {
        writer.put(group)
        writer.put(UInt16(destroys ? 1 : 0))
    }

    /// Reads the members.
    public init(from reader: inout WireReader) throws(WireError) {
        group = try reader.number()
        let how = try reader.number(UInt16.self)
        guard how <= 1 else { throw WireError("\(how): 0 (leave) and 1 (destroy) are defined") }
        destroys = how == 1
    }
}

/// Asks for one member of a group and a part of its windows. Answered with ``GroupMember``, or ``Failed`` with `ENOENT`
/// when there is no such place.
public struct AskGroup: WireMessage {
    /// What the header says.
    public static let kind = MessageKind.askGroup

    /// The group.
    public var group: Int16
    /// The member's place, in the order of joining.
    public var member: UInt16
    /// The first window to tell.
    public var window: UInt32

    /// A request.
    public init(group: Int16, member: UInt16, window: UInt32) {
        self.group = group
        self.member = member
        self.window = window
    }

    /// Writes the members.
    public func write(to writer: inout WireWriter) {
        writer.put(group)
        writer.put(member)
        writer.put(window)
    }

    /// Reads the members.
    public init(from reader: inout WireReader) throws(WireError) {
        group = try reader.number()
        member = try reader.number()
        window = try reader.number()
    }
}

/// The answer to ``AskGroup``.
public struct GroupMember: WireMessage {
    /// What the header says.
    public static let kind = MessageKind.groupMember
    /// The most windows in one message.
    public static let maximumWindowCount = 64
    /// The most devices in one message.
    public static let maximumDeviceCount = 64

    /// A window of the member.
    public struct Window: Sendable, Equatable {
        /// Its first address, and bytes.
        public var iova, byteCount: UInt64
        /// 1: read, 2: write.
        public var rights: UInt32

        /// A window.
        public init(iova: UInt64, byteCount: UInt64, rights: UInt32) {
            self.iova = iova
            self.byteCount = byteCount
            self.rights = rights
        }
    }

    /// Most members of the group; 0: a pair.
    public var limit: UInt16
    /// How many there are.
    public var memberCount: UInt16
    /// The member's domain.
    public var domain: [UInt8]
    /// Its number in transfers.
    public var handler: UInt16
    /// Whether it made the group.
    public var isCreator: Bool
    /// Its process.
    public var processID: Int32
    /// The devices that it is there with, by their numbers in its process, as that says; the first ones.
    public var devices: [Int16]
    /// How many windows it has.
    public var windowCount: UInt32
    /// Some of them, from the one that was asked for.
    public var windows: [Window]

    /// An answer.
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

    /// Writes the members.
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

    /// Reads the members.
    public init(from reader: inout WireReader) throws(WireError) {
        limit = try reader.number()
        memberCount = try reader.number()
        domain = try reader.take(EnterGroup.byteCount)
        handler = try reader.number()
        let made = try reader.number(UInt16.self)
        guard made <= 1 else { throw WireError("\(made): 0 (joiner) and 1 (creator) are defined") }
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

/// The one notice: something has happened to a group of the device. Its header's sequence is 0.
public struct GroupChanged: WireMessage {
    /// What the header says.
    public static let kind = MessageKind.groupChanged

    /// 0: a domain has joined, 1: has left, 2: the group is gone.
    public var change: UInt8
    /// The group.
    public var group: Int16
    /// The member that joined or left, or that made the group.
    public var handler: UInt16
    /// Its domain.
    public var domain: [UInt8]

    /// A notice.
    public init(change: UInt8, group: Int16, handler: UInt16, domain: [UInt8]) {
        self.change = change
        self.group = group
        self.handler = handler
        self.domain = domain
    }

    /// Writes the members.
    public func write(to writer: inout WireWriter) {
        writer.put(change)
        writer.put(group)
        writer.put(handler)
        writer.put(domain)
    }

    /// Reads the members.
    public init(from reader: inout WireReader) throws(WireError) {
        change = try reader.number()
        group = try reader.number()
        handler = try reader.number()
        domain = try reader.take(EnterGroup.byteCount)
        guard change <= 2 else { throw WireError("\(change): 0 (joined), 1 (left) and 2 (gone) are defined") }
    }
}
