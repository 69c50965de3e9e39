/// The number of an access group in its controller: 0 to the device's `accessGroupCount` minus 1. Freed numbers are
/// reused.
public typealias AccessGroupID = Int16

/// The number of one membership (one domain in one group), used as source or destination of a transfer; 0: local.
public typealias DomainHandler = UInt16

/// The two kinds of group; they differ in the maximum number of domains.
public enum AccessGroupKind: Sendable, Hashable {
    /// Up to `limit` domains, at least 2, the creator's included; `rte_dma_access_group_create`.
    case group(limit: UInt16)
    /// Two domains; `rte_dma_access_pair_group_create`.
    case pair

    /// Maximum number of members, the creator included.
    public var memberLimit: Int {
        switch self {
        case .group(let limit): Int(limit)
        case .pair: 2
        }
    }

    /// The wire name.
    public var name: String {
        switch self {
        case .group: "group"
        case .pair: "pair"
        }
    }
}

/// The result of creating or joining a group.
public struct AccessGroupEntry: Sendable, Hashable {
    /// The group's number.
    public var group: AccessGroupID
    /// The group's identity, which no other group of the controller ever has: its events carry it.
    public var identity: UInt64
    /// The handler of the domain that entered.
    public var handler: DomainHandler

    /// Values are not checked.
    public init(group: AccessGroupID, identity: UInt64, handler: DomainHandler) {
        self.group = group
        self.identity = identity
        self.handler = handler
    }
}

/// An access group as visible to a member; without the token.
public struct AccessGroupInfo: Sendable, Hashable {
    /// The number in the controller.
    public var id: AccessGroupID
    /// Tells groups apart that had the same number at different times; unique in the controller, 0: unknown.
    public var identity: UInt64
    /// The kind, with the member limit.
    public var kind: AccessGroupKind
    /// The members in the order of joining; the creator is the first.
    public var members: [AccessGroupMember]

    /// Values are not checked.
    public init(id: AccessGroupID, identity: UInt64 = 0, kind: AccessGroupKind, members: [AccessGroupMember]) {
        self.id = id
        self.identity = identity
        self.kind = kind
        self.members = members
    }
}

/// One domain in one group.
public struct AccessGroupMember: Sendable, Hashable {
    /// The domain that it joined with.
    public var domain: DomainID
    /// The handler for transfers.
    public var handler: DomainHandler
    /// Whether it created the group.
    public var isCreator: Bool
    /// Its process ID; 0: unknown.
    public var processID: Int32
    /// The operating system of that process, by its name in the controller's configuration. `nil`: the controller's own, or
    /// not known in this process.
    public var osDomain: String?
    /// Numbers, in that process, of the devices that share this membership.
    public var devices: [Int16]
    /// The memory that other members may access.
    public var windows: [DomainWindow]

    /// Values are not checked.
    public init(
        domain: DomainID, handler: DomainHandler, isCreator: Bool, processID: Int32 = 0, osDomain: String? = nil,
        devices: [Int16] = [], windows: [DomainWindow] = []
    ) {
        self.domain = domain
        self.handler = handler
        self.isCreator = isCreator
        self.processID = processID
        self.osDomain = osDomain
        self.devices = devices
        self.windows = windows
    }
}
