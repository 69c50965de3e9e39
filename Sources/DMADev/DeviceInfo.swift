/// What a device is and how it is set up; `struct rte_dma_info`.
public struct DeviceInfo: Sendable, Equatable {
    /// The device's name.
    public var name: String
    /// What the driver says of the device.
    public var properties: DeviceProperties
    /// Channels in use; 0 before the device is configured.
    public var virtualChannelCount: UInt16
    /// Whether the data calls work.
    public var isStarted: Bool
}

/// What a driver says of a device: it does not change.
public struct DeviceProperties: Sendable, Equatable {
    /// The driver's name.
    public var driver: String
    /// What the device can do.
    public var capabilities: Capabilities
    /// Most channels.
    public var maximumVirtualChannelCount: UInt16
    /// Most descriptors a ring, up to 32,768.
    public var maximumDescriptorCount: UInt16
    /// Fewest descriptors a ring.
    public var minimumDescriptorCount: UInt16
    /// Most entries of a scatter-gather list, up to 64.
    public var maximumEntryCount: UInt16
    /// Levels of priority; 0 where the device knows none.
    public var priorityCount: UInt16
    /// Memory node that the device is near to, -1 when it is not known.
    public var numaNode: Int16
    /// Access groups that the device's controller holds.
    public var accessGroupCount: UInt16
    /// The device's controller, `nil` when it has none or it is not known; 0xFFFF in C.
    public var controllerID: UInt16?
    /// Who needs a DMA device for a transfer between domains.
    public var domainClass: DomainClass
    /// Whether other devices have the same engine.
    public var sharesEngine: Bool

    /// Properties of a plain device.
    public init(
        driver: String, capabilities: Capabilities, maximumVirtualChannelCount: UInt16,
        maximumDescriptorCount: UInt16, minimumDescriptorCount: UInt16, maximumEntryCount: UInt16,
        priorityCount: UInt16 = 0, numaNode: Int16 = -1, accessGroupCount: UInt16 = 0, controllerID: UInt16? = nil,
        domainClass: DomainClass = .none, sharesEngine: Bool = false
    ) {
        self.driver = driver
        self.capabilities = capabilities
        self.maximumVirtualChannelCount = maximumVirtualChannelCount
        self.maximumDescriptorCount = maximumDescriptorCount
        self.minimumDescriptorCount = minimumDescriptorCount
        self.maximumEntryCount = maximumEntryCount
        self.priorityCount = priorityCount
        self.numaNode = numaNode
        self.accessGroupCount = accessGroupCount
        self.controllerID = controllerID
        self.domainClass = domainClass
        self.sharesEngine = sharesEngine
    }
}

/// Who needs a DMA device for a transfer between domains.
public enum DomainClass: String, Sendable {
    /// The device does no such transfers.
    case none
    /// Both ends.
    case both = "A"
    /// One end; the other only owns memory.
    case one = "B"
}

/// What a channel has done; `struct rte_dma_stats`.
public struct Statistics: Sendable, Equatable {
    /// Operations made visible by a doorbell.
    public var submitted: UInt64
    /// Operations finished, failures included.
    public var completed: UInt64
    /// Operations that ended with another status than successful; not attempted and aborted ones too.
    public var errors: UInt64

    /// A reading.
    public init(submitted: UInt64 = 0, completed: UInt64 = 0, errors: UInt64 = 0) {
        self.submitted = submitted
        self.completed = completed
        self.errors = errors
    }

    static func + (left: Statistics, right: Statistics) -> Statistics {
        Statistics(
            submitted: left.submitted &+ right.submitted, completed: left.completed &+ right.completed,
            errors: left.errors &+ right.errors)
    }

    /// What has come since `baseline`.
    func since(_ baseline: Statistics) -> Statistics {
        Statistics(
            submitted: submitted &- baseline.submitted, completed: completed &- baseline.completed,
            errors: errors &- baseline.errors)
    }
}

/// What a channel is doing; `enum rte_dma_vchan_status`.
public enum VirtualChannelStatus: Int32, Sendable {
    /// Everything that was rung is visible to `completed`.
    case idle = 0
    /// Something that was rung is not finished.
    case active = 1
    /// The engine or the controller is gone.
    case haltedError = 2

    /// The name on the wire.
    public var name: String {
        switch self {
        case .idle: "idle"
        case .active: "active"
        case .haltedError: "halted_error"
        }
    }
}

/// How a ring's slots are used: a glimpse, for people.
public struct RingUse: Sendable, Equatable {
    /// Slots free, enqueued but not rung, rung but not finished, and finished but not polled.
    public var empty, pending, running, completed: UInt64
    /// Ring index of the next enqueue, and the last one reported (0xFFFF: none).
    public var nextIndex, lastIndex: UInt16

    /// A glimpse.
    public init(
        empty: UInt64, pending: UInt64, running: UInt64, completed: UInt64, nextIndex: UInt16, lastIndex: UInt16
    ) {
        self.empty = empty
        self.pending = pending
        self.running = running
        self.completed = completed
        self.nextIndex = nextIndex
        self.lastIndex = lastIndex
    }
}
