public import LinuxSystem

/// Creates an access group, or joins one. Answered with ``GroupEntered``, after the packets of ``GroupMembers``.
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
    /// The group's identity, which no other group of the controller ever has: its notices carry it.
    public var identity: UInt64
    /// The domain that became a member, 16 bytes.
    public var domain: [UInt8]

    /// Makes an answer for a member that was admitted.
    public init(group: Int16, handler: UInt16, identity: UInt64, domain: [UInt8]) {
        self.group = group
        self.handler = handler
        self.identity = identity
        self.domain = domain
    }

    /// Encodes the members in wire order.
    public func write(to writer: inout WireWriter) {
        writer.put(group)
        writer.put(handler)
        writer.put(identity)
        writer.put(domain)
    }

    /// Decodes the members; throws when the message is too short.
    public init(from reader: inout WireReader) throws(WireError) {
        group = try reader.number()
        handler = try reader.number()
        identity = try reader.number()
        domain = try reader.take(EnterGroup.byteCount)
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

/// Requests the members of a group. Answered with ``Done``, after the packets of ``GroupMembers``.
public struct ReadGroup: WireMessage {
    /// The message's number on the wire.
    public static let kind = MessageKind.readGroup

    /// The group to read.
    public var group: Int16

    /// Makes a request.
    public init(group: Int16) {
        self.group = group
    }

    /// Encodes the members in wire order.
    public func write(to writer: inout WireWriter) {
        writer.put(group)
    }

    /// Decodes the members; throws when the message is too short.
    public init(from reader: inout WireReader) throws(WireError) {
        group = try reader.number()
    }
}

/// A part of the members of a group, with the sequence of the ``EnterGroup`` or ``ReadGroup`` that it answers. All parts
/// come directly before the answer, and no change of the group between them.
public struct GroupMembers: WireMessage {
    /// The message's number on the wire.
    public static let kind = MessageKind.groupMembers

    /// The group, and its identity, as in ``GroupEntered``.
    public var group: Int16, identity: UInt64
    /// The highest number of members of the group; 0: a pair.
    public var limit: UInt16
    /// Members in the order of joining. A member that does not fit into one packet comes again in the next one, with its
    /// further windows.
    public var members: [GroupMember]

    /// Makes a part.
    public init(group: Int16, identity: UInt64, limit: UInt16, members: [GroupMember]) {
        self.group = group
        self.identity = identity
        self.limit = limit
        self.members = members
    }

    private static let byteCount = 14

    /// Divides the members of a group into parts that fit into packets.
    public static func parts(group: Int16, identity: UInt64, limit: UInt16, members: [GroupMember]) -> [GroupMembers] {
        let room = Packet.maximumLength - Packet.headerLength - byteCount
        var parts: [GroupMembers] = []
        var part = GroupMembers(group: group, identity: identity, limit: limit, members: [])
        var left = room
        for var member in members {
            var windows = member.windows[...]
            repeat {
                member.windows = []
                if left < member.byteCount + GroupMember.Window.byteCount {
                    parts.append(part)
                    part.members = []
                    left = room
                }
                let count = min(windows.count, (left - member.byteCount) / GroupMember.Window.byteCount)
                member.windows = Array(windows.prefix(count))
                windows = windows.dropFirst(count)
                part.members.append(member)
                left -= member.byteCount
            } while !windows.isEmpty
        }
        if !part.members.isEmpty { parts.append(part) }
        return parts
    }

    /// Encodes the members in wire order.
    public func write(to writer: inout WireWriter) {
        writer.put(group)
        writer.put(identity)
        writer.put(limit)
        writer.put(UInt16(members.count))
        for member in members { member.write(to: &writer) }
    }

    /// Decodes and validates the members; throws for a value that the protocol does not define.
    public init(from reader: inout WireReader) throws(WireError) {
        group = try reader.number()
        identity = try reader.number()
        limit = try reader.number()
        let count = Int(try reader.number(UInt16.self))
        members = []
        for _ in 0..<count { members.append(try GroupMember(from: &reader)) }
    }
}

/// A member of a group.
public struct GroupMember: Sendable, Equatable {
    /// The highest number of devices in a message.
    public static let maximumDeviceCount = 64

    /// A window of the member.
    public struct Window: Sendable, Equatable {
        /// The window's first address, and its length in bytes.
        public var iova, byteCount: UInt64
        /// Rights of the other members, as bits: 1: read, 2: write.
        public var rights: UInt32

        fileprivate static let byteCount = 20

        /// Makes a window.
        public init(iova: UInt64, byteCount: UInt64, rights: UInt32) {
            self.iova = iova
            self.byteCount = byteCount
            self.rights = rights
        }

        func write(to writer: inout WireWriter) {
            writer.put(iova)
            writer.put(byteCount)
            writer.put(rights)
        }

        init(from reader: inout WireReader) throws(WireError) {
            iova = try reader.number()
            byteCount = try reader.number()
            rights = try reader.number()
        }
    }

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
    /// Windows of the member, by address.
    public var windows: [Window]

    /// Makes a member; further devices are left out.
    public init(
        domain: [UInt8], handler: UInt16, isCreator: Bool, processID: Int32, devices: [Int16] = [], windows: [Window]
    ) {
        self.domain = domain
        self.handler = handler
        self.isCreator = isCreator
        self.processID = processID
        self.devices = Array(devices.prefix(Self.maximumDeviceCount))
        self.windows = windows
    }

    fileprivate var byteCount: Int { 28 + devices.count * 2 + windows.count * Window.byteCount }

    fileprivate func write(to writer: inout WireWriter) {
        writer.put(domain)
        writer.put(handler)
        writer.put(UInt16(isCreator ? 1 : 0))
        writer.put(processID)
        writer.put(UInt16(devices.count))
        writer.put(UInt16(windows.count))
        for device in devices { writer.put(device) }
        for window in windows { window.write(to: &writer) }
    }

    fileprivate init(from reader: inout WireReader) throws(WireError) {
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
        let windowCount = Int(try reader.number(UInt16.self))
        devices = []
        for _ in 0..<deviceCount { devices.append(try reader.number()) }
        windows = []
        for _ in 0..<windowCount { windows.append(try Window(from: &reader)) }
    }
}

/// A notice: another device has changed a group of the device. The sequence in its header is 0.
///
/// It has all that has changed, so that an application whose picture of the group was right has the right one after it.
public struct GroupChanged: WireMessage {
    /// The message's number on the wire.
    public static let kind = MessageKind.groupChanged

    /// 0: a domain has joined, 1: a domain has left, 2: the group was destroyed, 3: a window was opened, 4: a window was
    /// closed, 5: a further device of a member has joined, 6: one of several devices of a member has left.
    public var change: UInt8
    /// Why the group was destroyed. 0: by its creator, 1: the creator has died, 2: the controller has ended it.
    public var reason: UInt8
    /// The group that has changed.
    public var group: Int16
    /// The group's identity, as in ``GroupEntered``.
    public var identity: UInt64
    /// The handler of the member that has changed, or that created the group.
    public var handler: UInt16
    /// The domain of that member, 16 bytes.
    public var domain: [UInt8]
    /// The process id of that member.
    public var processID: Int32
    /// The device that joined or left, by the number that its process has sent; -1: unknown.
    public var device: Int16
    /// The window; all 0 when no window was opened or closed.
    public var window: GroupMember.Window

    /// Makes a notice.
    public init(
        change: UInt8, reason: UInt8 = 0, group: Int16, identity: UInt64, handler: UInt16, domain: [UInt8],
        processID: Int32 = 0, device: Int16 = -1, window: GroupMember.Window = .init(iova: 0, byteCount: 0, rights: 0)
    ) {
        self.change = change
        self.reason = reason
        self.group = group
        self.identity = identity
        self.handler = handler
        self.domain = domain
        self.processID = processID
        self.device = device
        self.window = window
    }

    /// Encodes the members in wire order.
    public func write(to writer: inout WireWriter) {
        writer.put(change)
        writer.put(reason)
        writer.put(group)
        writer.put(identity)
        writer.put(handler)
        writer.put(domain)
        writer.put(processID)
        writer.put(device)
        window.write(to: &writer)
    }

    /// Decodes and validates the members; throws for a value that the protocol does not define.
    public init(from reader: inout WireReader) throws(WireError) {
        change = try reader.number()
        reason = try reader.number()
        group = try reader.number()
        identity = try reader.number()
        handler = try reader.number()
        domain = try reader.take(EnterGroup.byteCount)
        processID = try reader.number()
        device = try reader.number()
        window = try GroupMember.Window(from: &reader)
        guard change <= 6 else { throw WireError("group change \(change): only 0 (joined) to 6 are defined") }
        guard reason <= 2 else {
            throw WireError("reason \(reason): only 0 (destroyed), 1 (creator died) and 2 (forced) are defined")
        }
    }
}
