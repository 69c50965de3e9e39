/// A change of a group.
///
/// The process that manages the group records every change. A device receives the changes of its groups that others
/// made: *joined*, *left*, *destroyed*, and those of windows and devices; each once, in order.
public struct AccessGroupEvent: Sendable, Hashable {
    /// Raw values are those of the wire and of traces.
    public enum Kind: UInt8, Sendable, Hashable, CaseIterable {
        /// A domain has joined.
        case joined = 0
        /// A domain has left; for devices also: its process has ended. Its handler is invalid.
        case left = 1
        /// The group was destroyed; all its handlers are invalid.
        case destroyed = 2
        /// A member has opened a window.
        case windowOpened = 3
        /// A window was closed, by its owner or because its owner has left.
        case windowClosed = 4
        /// Another device of a member's process has joined with the member's domain.
        case deviceJoined = 5
        /// One of several devices of a member has left.
        case deviceLeft = 6
        /// The group was created. Never sent to devices.
        case created = 7
        /// A domain has left because its device was closed or its process has ended. Devices receive ``left``.
        case died = 8
        /// A domain was refused. Never sent to devices.
        case denied = 9

        /// The wire name.
        public var name: String {
            switch self {
            case .joined: "joined"
            case .left: "left"
            case .destroyed: "destroyed"
            case .windowOpened: "window_opened"
            case .windowClosed: "window_closed"
            case .deviceJoined: "device_joined"
            case .deviceLeft: "device_left"
            case .created: "created"
            case .died: "died"
            case .denied: "denied"
            }
        }
    }

    /// Why a group was destroyed. Raw values are those of the wire.
    public enum EndReason: UInt8, Sendable, Hashable, CaseIterable {
        /// The device that created it has destroyed it.
        case destroyed = 0
        /// The device that created it was closed, or its process has ended.
        case creatorDied = 1
        /// The controller has ended it: it was stopped, or has disconnected the creator because of a violation.
        case forced = 2
        /// The connection to the controller has ended; only the devices that were connected know this reason.
        case controllerLost = 3

        /// The wire name.
        public var name: String {
            switch self {
            case .destroyed: "destroyed"
            case .creatorDied: "creator_died"
            case .forced: "forced"
            case .controllerLost: "controller_lost"
            }
        }
    }

    /// The kind of change.
    public var kind: Kind
    /// The changed group.
    public var group: AccessGroupID
    /// Tells groups apart that had the same number at different times; unique in the controller, 0: unknown.
    public var identity: UInt64
    /// The member concerned; for *destroyed*, the creator; 0 for *denied*.
    public var handler: DomainHandler
    /// The domain of that member.
    public var domain: DomainID
    /// The process of that member, as the controller sees it; 0: unknown.
    public var processID: Int32
    /// The operating system of that process, as in ``AccessGroupMember/osDomain``.
    public var osDomain: String?
    /// The user of that process; *denied* only.
    public var userID: UInt32?
    /// The number, in that process, of the device that joined or left; -1: unknown.
    public var device: Int16
    /// The window that was opened or closed.
    public var window: DomainWindow?
    /// Why the group was destroyed.
    public var reason: EndReason?

    /// Values are not checked.
    public init(
        kind: Kind, group: AccessGroupID, identity: UInt64 = 0, handler: DomainHandler, domain: DomainID,
        processID: Int32 = 0, osDomain: String? = nil, userID: UInt32? = nil, device: Int16 = -1,
        window: DomainWindow? = nil,
        reason: EndReason? = nil
    ) {
        self.kind = kind
        self.group = group
        self.identity = identity
        self.handler = handler
        self.domain = domain
        self.processID = processID
        self.osDomain = osDomain
        self.userID = userID
        self.device = device
        self.window = window
        self.reason = reason
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
    /// The registration event that covers this change; `nil`: no callback is called for it.
    public var tableEvent: AccessTableEvent? {
        switch kind {
        case .joined, .left: .update
        case .destroyed: .destroy
        default: nil
        }
    }
}

/// Receives the group events of one device, from its driver.
public typealias AccessGroupEventSink = @Sendable (AccessGroupEvent) -> Void
