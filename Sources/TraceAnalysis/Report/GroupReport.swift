/// What a trace says of one access group, from its creation to its end. No event has its token.
public struct GroupReport: Sendable {
    /// A process in the group.
    public struct Member: Sendable {
        /// `PROGRAM (PID)`, with the name of the program if the trace has an event of it.
        public let process: String
        /// The number of the process, as the one that manages the group sees it.
        public let processID: Int
        /// The handler, by which others name its memory.
        public let handler: Int
        /// The identifier of its domain, 16 bytes.
        public let domain: [UInt8]
        /// When it joined, in nanoseconds since 1970; `nil` if the trace does not have it.
        public let joined: Int64?
        /// When it left; `nil` if it was a member at the trace's end, or at that of the group.
        public internal(set) var left: Int64?
        /// Whether its process or its connection had ended.
        public internal(set) var hasDied = false
    }

    /// Refusals of one kind, to one requester.
    public struct Denial: Sendable, Hashable {
        /// What was refused.
        public enum Kind: String, Sendable {
            /// A process was to become a member; the reason is an errno.
            case join
            /// An operation used the memory of a member; the reason is the status of the operation.
            case access
        }

        /// What was refused.
        public let kind: Kind
        /// The number of the process that was to become a member; `nil` for an access.
        public let processID: Int?
        /// Its user; `nil` for an access.
        public let user: Int?
        /// The handler of the operation's memory; `nil` for a join.
        public let handler: Int?
        /// The handler of the operation's process, 0 if it had none; `nil` for a join.
        public let requester: Int?
        /// An errno, positive, or the status of an operation.
        public let reason: Int
    }

    /// `PROGRAM (PID)` of the process that manages the group.
    public let manager: String
    /// The group's number there. Numbers are used again after the end of a group.
    public let number: Int
    /// When it was created, in nanoseconds since 1970; `nil` if the trace does not have it.
    public internal(set) var created: Int64?
    /// The most members that it may have; `nil` as above.
    public internal(set) var limit: Int?
    /// When it ended; `nil` if it was there at the trace's end.
    public internal(set) var destroyed: Int64?
    /// Why it ended: `destroyed`, `creator_died` or `forced`.
    public internal(set) var reason: String?
    /// The creator, if the trace has the creation, and then the others in the order of their joins. At most
    /// ``mostMembers``.
    public internal(set) var members: [Member] = []
    /// The creator, and joins of others.
    public internal(set) var joins: UInt64 = 0
    /// Members that left, dead ones among them.
    public internal(set) var leaves: UInt64 = 0
    /// Members whose process or connection ended.
    public internal(set) var deaths: UInt64 = 0
    /// Further devices of members that joined, and that left.
    public internal(set) var deviceJoins: UInt64 = 0
    /// Further devices of members that left.
    public internal(set) var deviceLeaves: UInt64 = 0
    /// Windows that members opened, and their bytes.
    public internal(set) var windows = ResourceUse()
    /// Handlers that were revoked.
    public internal(set) var revocations: UInt64 = 0
    /// What was refused, and how often. At most ``mostDenials`` different ones.
    public internal(set) var denials: [(denial: Denial, count: UInt64)] = []
    /// Refusals, those that are not in ``denials`` among them.
    public internal(set) var deniedCount: UInt64 = 0

    /// The most members that are kept.
    public static let mostMembers = 64
    /// The most kinds of refusals that are kept.
    public static let mostDenials = 64
    /// The most groups that are kept.
    public static let mostGroups = 1000

    init(manager: String, number: Int) {
        self.manager = manager
        self.number = number
    }

    mutating func add(_ member: Member) {
        joins += 1
        if members.count < Self.mostMembers { members.append(member) }
    }

    mutating func remove(handler: Int, at time: Int64, hasDied: Bool) {
        leaves += 1
        if hasDied { deaths += 1 }
        guard let place = members.lastIndex(where: { $0.handler == handler && $0.left == nil }) else { return }
        members[place].left = time
        members[place].hasDied = hasDied
    }

    mutating func add(_ denial: Denial) {
        deniedCount += 1
        if let place = denials.firstIndex(where: { $0.denial == denial }) {
            denials[place].count += 1
        } else if denials.count < Self.mostDenials {
            denials.append((denial, 1))
        }
    }
}

/// Things of one kind that have a beginning and an end.
public struct ResourceUse: Sendable {
    /// How many have begun.
    public private(set) var count: UInt64 = 0
    /// Their bytes.
    public private(set) var bytes: UInt64 = 0
    /// How many have ended.
    public private(set) var endedCount: UInt64 = 0
    /// Their bytes.
    public private(set) var endedBytes: UInt64 = 0

    /// Those that have not ended.
    public var openCount: UInt64 { count - min(count, endedCount) }
    /// Their bytes.
    public var openBytes: UInt64 { bytes - min(bytes, endedBytes) }

    mutating func begin(_ bytes: UInt64) {
        count += 1
        self.bytes &+= bytes
    }

    mutating func end(_ bytes: UInt64) {
        endedCount += 1
        endedBytes &+= bytes
    }
}
