/// Properties and state of a device; `struct rte_dma_info`.
public struct DeviceInfo: Sendable, Equatable {
    /// The device's name.
    public var name: String
    /// The constant properties.
    public var properties: DeviceProperties
    /// Configured channels; 0 before the device is configured.
    public var virtualChannelCount: UInt16
    /// Whether data calls are accepted.
    public var isStarted: Bool
}

/// The constant properties of a device, set by its driver.
public struct DeviceProperties: Sendable, Equatable {
    /// Name of the driver, as in `--device`.
    public var driver: String
    /// Bits of `dev_capa`.
    public var capabilities: Capabilities
    /// `max_vchans`.
    public var maximumVirtualChannelCount: UInt16
    /// Maximum descriptors per ring, up to 32,768; `max_desc`.
    public var maximumDescriptorCount: UInt16
    /// Minimum descriptors per ring; `min_desc`.
    public var minimumDescriptorCount: UInt16
    /// Maximum entries per scatter-gather list, up to 64; `max_sges`.
    public var maximumEntryCount: UInt16
    /// Number of priority levels; 0: no priorities.
    public var priorityCount: UInt16
    /// NUMA node of the device; -1: unknown.
    public var numaNode: Int16
    /// Maximum number of access groups of the device's controller.
    public var accessGroupCount: UInt16
    /// The device's controller; `nil`: none or unknown, 0xFFFF in C.
    public var controllerID: UInt16?
    /// Whether transfers between domains need a device on one or both sides.
    public var domainClass: DomainClass
    /// Whether other devices use the same engine.
    public var sharesEngine: Bool
    /// Whether it is a device of another library, whose calls are only observed.
    public var isObserved: Bool

    /// The defaults are those of a device without priorities, groups or controller.
    public init(
        driver: String, capabilities: Capabilities, maximumVirtualChannelCount: UInt16,
        maximumDescriptorCount: UInt16, minimumDescriptorCount: UInt16, maximumEntryCount: UInt16,
        priorityCount: UInt16 = 0, numaNode: Int16 = -1, accessGroupCount: UInt16 = 0, controllerID: UInt16? = nil,
        domainClass: DomainClass = .none, sharesEngine: Bool = false,
        isObserved: Bool = false
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
        self.isObserved = isObserved
    }
}

/// The sides that need a DMA device for a transfer between domains.
public enum DomainClass: String, Sendable {
    /// The device does no such transfers.
    case none
    /// Both ends.
    case both = "A"
    /// One end; the other only owns memory.
    case one = "B"
}

/// Operation counts of a channel or device; `struct rte_dma_stats`.
public struct Statistics: Sendable, Equatable {
    /// Operations made visible by a doorbell.
    public var submitted: UInt64
    /// Operations finished, failures included.
    public var completed: UInt64
    /// Operations that ended with a status other than successful, including not attempted and aborted.
    public var errors: UInt64

    /// All 0 by default.
    public init(submitted: UInt64 = 0, completed: UInt64 = 0, errors: UInt64 = 0) {
        self.submitted = submitted
        self.completed = completed
        self.errors = errors
    }

    /// The counts of two channels or rings together.
    public static func + (left: Statistics, right: Statistics) -> Statistics {
        Statistics(
            submitted: left.submitted &+ right.submitted, completed: left.completed &+ right.completed,
            errors: left.errors &+ right.errors)
    }

    /// The difference to `baseline`.
    func since(_ baseline: Statistics) -> Statistics {
        Statistics(
            submitted: submitted &- baseline.submitted, completed: completed &- baseline.completed,
            errors: errors &- baseline.errors)
    }
}

/// The state of a channel; `enum rte_dma_vchan_status`.
public enum VirtualChannelStatus: Int32, Sendable {
    /// Everything that was rung is finished and visible to `completed`.
    case idle = 0
    /// An operation that was rung is not finished.
    case active = 1
    /// The device is halted: the engine or the controller has ended.
    case haltedError = 2

    /// The wire name.
    public var name: String {
        switch self {
        case .idle: "idle"
        case .active: "active"
        case .haltedError: "halted_error"
        }
    }
}

/// The occupancy of a ring: an unsynchronized snapshot for display.
public struct RingUse: Sendable, Equatable {
    /// Slots that are free, enqueued but not rung, rung but not finished, finished but not polled.
    public var empty, pending, running, completed: UInt64
    /// Ring index of the next enqueue, and the last index reported (0xFFFF: none).
    public var nextIndex, lastIndex: UInt16

    /// Values are not checked.
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
