/// What happened to a group: told to each of its other members once, in order.
public struct AccessGroupEvent: Sendable, Hashable {
    /// The kinds.
    public enum Kind: UInt8, Sendable, Hashable, CaseIterable {
        /// A domain has joined.
        case joined = 0
        /// A domain has left, or its process has ended. Its handler is dead.
        case left = 1
        /// The group is gone, and all its handlers are dead.
        case destroyed = 2

        /// The name on the wire.
        public var name: String {
            switch self {
            case .joined: "joined"
            case .left: "left"
            case .destroyed: "destroyed"
            }
        }
    }

    /// What.
    public var kind: Kind
    /// To which group.
    public var group: AccessGroupID
    /// The member that joined or left, the creator where the group is gone.
    public var handler: DomainHandler
    /// Its domain.
    public var domain: DomainID

    /// An event.
    public init(kind: Kind, group: AccessGroupID, handler: DomainHandler, domain: DomainID) {
        self.kind = kind
        self.group = group
        self.handler = handler
        self.domain = domain
    }
}

/// What a callback of a device can be registered for; `enum rte_dma_event`. Values beyond the two are refused when they
/// are used.
public struct AccessTableEvent: RawRepresentable, Sendable, Hashable {
    /// The C value.
    public let rawValue: Int32

    /// An event from its C value.
    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// A domain has joined or left a group of the device; `RTE_DMA_EVENT_ACCESS_TABLE_UPDATE`.
    public static let update = AccessTableEvent(rawValue: 0)
    /// A group of the device is gone; `RTE_DMA_EVENT_ACCESS_TABLE_DESTROY`.
    public static let destroy = AccessTableEvent(rawValue: 1)

    var isDefined: Bool { (0...1).contains(rawValue) }
}

extension AccessGroupEvent {
    /// What registrations of a device know it as.
    public var tableEvent: AccessTableEvent { kind == .destroyed ? .destroy : .update }
}

/// Takes the events of a driver's device.
public typealias AccessGroupEventSink = @Sendable (AccessGroupEvent) -> Void

/// An event that has reached a device of this process.
public struct ReceivedGroupEvent: Sendable, Hashable {
    /// Counts the events of the registry's devices, from 1.
    public let number: UInt64
    /// When it came; nanoseconds since 1970.
    public let time: UInt64
    /// The device's number.
    public let device: Int16
    /// What happened.
    public let event: AccessGroupEvent
}
