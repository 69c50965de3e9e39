/// A change of a group, delivered to each of the other members once, in order.
public struct AccessGroupEvent: Sendable, Hashable {
    /// Raw values are those of the wire and of traces.
    public enum Kind: UInt8, Sendable, Hashable, CaseIterable {
        /// A domain has joined.
        case joined = 0
        /// A domain has left, or its process has ended. Its handler is invalid.
        case left = 1
        /// The group was destroyed; all its handlers are invalid.
        case destroyed = 2

        /// The wire name.
        public var name: String {
            switch self {
            case .joined: "joined"
            case .left: "left"
            case .destroyed: "destroyed"
            }
        }
    }

    /// The kind of change.
    public var kind: Kind
    /// The changed group.
    public var group: AccessGroupID
    /// The member that joined or left; for *destroyed*, the creator.
    public var handler: DomainHandler
    /// The domain of that member.
    public var domain: DomainID

    /// Values are not checked.
    public init(kind: Kind, group: AccessGroupID, handler: DomainHandler, domain: DomainID) {
        self.kind = kind
        self.group = group
        self.handler = handler
        self.domain = domain
    }
}

/// The events that a callback can be registered for; `enum rte_dma_event`. Undefined values are refused at
/// registration.
public struct AccessTableEvent: RawRepresentable, Sendable, Hashable {
    /// The C value.
    public let rawValue: Int32

    /// Accepts undefined values.
    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// A domain has joined or left a group of the device; `RTE_DMA_EVENT_ACCESS_TABLE_UPDATE`.
    public static let update = AccessTableEvent(rawValue: 0)
    /// A group of the device was destroyed; `RTE_DMA_EVENT_ACCESS_TABLE_DESTROY`.
    public static let destroy = AccessTableEvent(rawValue: 1)

    var isDefined: Bool { (0...1).contains(rawValue) }
}

extension AccessGroupEvent {
    /// The registration event that covers this change.
    public var tableEvent: AccessTableEvent { kind == .destroyed ? .destroy : .update }
}

/// Receives the group events of one device, from its driver.
public typealias AccessGroupEventSink = @Sendable (AccessGroupEvent) -> Void

/// A group event that a device of this process received.
public struct ReceivedGroupEvent: Sendable, Hashable {
    /// Counts the events of the registry's devices, from 1.
    public let number: UInt64
    /// Time of receipt; nanoseconds since 1970.
    public let time: UInt64
    /// The device's number.
    public let device: Int16
    /// The received event.
    public let event: AccessGroupEvent
}
