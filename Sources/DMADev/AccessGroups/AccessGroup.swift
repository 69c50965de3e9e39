/// The number of an access group in its controller: 0 to the device's `accessGroupCount` less 1; a freed number may come
/// back.
public typealias AccessGroupID = Int16

/// The number of one membership, one domain in one group, as source or destination of a transfer; 0 is none: local.
public typealias DomainHandler = UInt16

/// The two forms of one mechanism, which differ in how many domains a group holds.
public enum AccessGroupKind: Sendable, Hashable {
    /// Up to `limit` domains, at least 2, the creator's included; `rte_dma_access_group_create`.
    case group(limit: UInt16)
    /// Two domains; `rte_dma_access_pair_group_create`.
    case pair

    /// Most members, the creator included.
    public var memberLimit: Int {
        switch self {
        case .group(let limit): Int(limit)
        case .pair: 2
        }
    }

    /// The name on the wire.
    public var name: String {
        switch self {
        case .group: "group"
        case .pair: "pair"
        }
    }
}

/// An access group as a member sees it. Never its token.
public struct AccessGroupInfo: Sendable, Hashable {
    /// Its number.
    public var id: AccessGroupID
    /// Its form, with the most members.
    public var kind: AccessGroupKind
    /// Who is in it, in the order of joining; the creator is the first.
    public var members: [AccessGroupMember]

    /// A view of a group.
    public init(id: AccessGroupID, kind: AccessGroupKind, members: [AccessGroupMember]) {
        self.id = id
        self.kind = kind
        self.members = members
    }
}

/// One domain in one group.
public struct AccessGroupMember: Sendable, Hashable {
    /// Who.
    public var domain: DomainID
    /// Its number in transfers.
    public var handler: DomainHandler
    /// Whether it made the group.
    public var isCreator: Bool
    /// Its process, 0 where that is not known.
    public var processID: Int32
    /// The numbers, in that process, of the devices that it is a member with.
    public var devices: [Int16]
    /// The memory that the others may reach.
    public var windows: [DomainWindow]

    /// A view of a member.
    public init(
        domain: DomainID, handler: DomainHandler, isCreator: Bool, processID: Int32 = 0, devices: [Int16] = [],
        windows: [DomainWindow] = []
    ) {
        self.domain = domain
        self.handler = handler
        self.isCreator = isCreator
        self.processID = processID
        self.devices = devices
        self.windows = windows
    }
}
