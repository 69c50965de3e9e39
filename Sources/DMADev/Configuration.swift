internal import CDMADev

/// The configuration of a device; `struct rte_dma_conf`.
public struct DeviceConfiguration: Sendable, Equatable {
    /// Virtual channels to use, 1 to the device's maximum.
    public var virtualChannelCount: UInt16
    /// 0 is the highest, as in DPDK; less than the device's number of priorities, 0 if it has none.
    public var priority: UInt16
    /// Modes; each needs a capability.
    public var flags: ConfigurationFlags

    /// Values are checked by `configure`.
    public init(virtualChannelCount: UInt16, priority: UInt16 = 0, flags: ConfigurationFlags = []) {
        self.virtualChannelCount = virtualChannelCount
        self.priority = priority
        self.flags = flags
    }
}

/// Modes of a device; `RTE_DMA_CFG_FLAG_*`.
public struct ConfigurationFlags: OptionSet, Sendable, Hashable {
    /// The bits.
    public let rawValue: UInt64

    /// Undefined bits are refused by `configure`.
    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// Completions are not polled; `RTE_DMA_CFG_FLAG_SILENT`.
    public static let silent = ConfigurationFlags(rawValue: 1 << 0)
    /// Operations are enqueued and dequeued as structures; `RTE_DMA_CFG_FLAG_ENQ_DEQ`.
    public static let enqueueDequeue = ConfigurationFlags(rawValue: 1 << 1)

    static let defined: ConfigurationFlags = [.silent, .enqueueDequeue]
}

/// Flags of one operation; `RTE_DMA_OP_FLAG_*`.
public struct OperationFlags: OptionSet, Sendable, Hashable {
    /// The bits.
    public let rawValue: UInt64

    /// Flags from their bits.
    @inlinable
    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// Execute only after all earlier operations have finished; `RTE_DMA_OP_FLAG_FENCE`.
    @inlinable public static var fence: OperationFlags { OperationFlags(rawValue: 1 << 0) }
    /// Ring the doorbell with this operation; `RTE_DMA_OP_FLAG_SUBMIT`.
    @inlinable public static var submit: OperationFlags { OperationFlags(rawValue: 1 << 1) }
    /// Hint: write the data to the last-level cache; `RTE_DMA_OP_FLAG_LLC`.
    @inlinable public static var lastLevelCache: OperationFlags { OperationFlags(rawValue: 1 << 2) }
    /// Return the source buffer to its pool when the operation has ended; `RTE_DMA_OP_FLAG_AUTO_FREE`.
    @inlinable public static var autoFree: OperationFlags { OperationFlags(rawValue: 1 << 3) }

    /// The source addresses belong to a member of an access group; overrides the channel's domain. Bit 4 (process) or 6
    /// (operating system), and the handler from bit 32 on. Needs the device's capability for that kind.
    ///
    /// - Parameters:
    ///   - handler: the member; 0 is the caller.
    ///   - type: the kind of domain; ``InterDomainType/none`` sets no flag.
    public static func source(_ handler: DomainHandler, of type: InterDomainType) -> OperationFlags {
        domain(DMADEV_OP_SRC_PROCESS, DMADEV_OP_SRC_OS, handler, DMADEV_OP_SRC_HANDLER_SHIFT, type)
    }

    /// The same for the destination addresses: bit 5 or 7, and the handler from bit 48 on.
    public static func destination(_ handler: DomainHandler, of type: InterDomainType) -> OperationFlags {
        domain(DMADEV_OP_DST_PROCESS, DMADEV_OP_DST_OS, handler, DMADEV_OP_DST_HANDLER_SHIFT, type)
    }

    private static func domain(
        _ process: UInt64, _ operatingSystem: UInt64, _ handler: DomainHandler, _ shift: Int32, _ type: InterDomainType
    ) -> OperationFlags {
        guard type == .process || type == .operatingSystem else { return [] }
        return OperationFlags(
            rawValue: (type == .process ? process : operatingSystem) | UInt64(handler) << UInt64(shift))
    }

    /// Flags that every device accepts.
    static let always: OperationFlags = [.fence, .submit, .lastLevelCache]
}

/// The configuration of one virtual channel; `struct rte_dma_vchan_conf`.
public struct VirtualChannelConfiguration: Sendable, Equatable {
    /// Source and destination kind.
    public var direction: TransferDirection
    /// Maximum number of operations in the ring; any number within the device's limits.
    public var descriptorCount: UInt16
    /// Port of the source device; `.none` unless the direction starts at a device.
    public var sourcePort: Port
    /// Port of the destination device; `.none` unless the direction ends at a device.
    public var destinationPort: Port
    /// Domains of the addresses; only with mem2mem.
    public var domain: InterDomain
    /// Pool for source buffers with the auto-free flag; only with mem2dev.
    public var autoFreePool: (any BufferPool)?

    /// Values are checked by `setUpVirtualChannel`.
    public init(
        direction: TransferDirection = .mem2mem, descriptorCount: UInt16, sourcePort: Port = .none,
        destinationPort: Port = .none, domain: InterDomain = .none, autoFreePool: (any BufferPool)? = nil
    ) {
        self.direction = direction
        self.descriptorCount = descriptorCount
        self.sourcePort = sourcePort
        self.destinationPort = destinationPort
        self.domain = domain
        self.autoFreePool = autoFreePool
    }

    /// Compares all members; pools by identity.
    public static func == (left: Self, right: Self) -> Bool {
        left.direction == right.direction && left.descriptorCount == right.descriptorCount
            && left.sourcePort == right.sourcePort && left.destinationPort == right.destinationPort
            && left.domain == right.domain && left.autoFreePool === right.autoFreePool
    }
}

/// The direction of a channel; `enum rte_dma_direction`. Undefined values are refused at set-up.
public struct TransferDirection: RawRepresentable, Sendable, Hashable {
    /// The C value.
    public let rawValue: Int32

    /// Accepts undefined values.
    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// Memory to memory.
    public static let mem2mem = TransferDirection(rawValue: 0)
    /// Memory to device.
    public static let mem2dev = TransferDirection(rawValue: 1)
    /// Device to memory.
    public static let dev2mem = TransferDirection(rawValue: 2)
    /// Device to device.
    public static let dev2dev = TransferDirection(rawValue: 3)

    /// Each direction with its wire name and the capability that it needs.
    static let table: [(direction: TransferDirection, name: String, capability: Capabilities)] = [
        (.mem2mem, "mem2mem", .mem2mem), (.mem2dev, "mem2dev", .mem2dev), (.dev2mem, "dev2mem", .dev2mem),
        (.dev2dev, "dev2dev", .dev2dev),
    ]

    var startsAtDevice: Bool { self == .dev2mem || self == .dev2dev }
    var endsAtDevice: Bool { self == .mem2dev || self == .dev2dev }
}

/// The domains of a channel's addresses; `struct rte_dma_inter_domain_param`.
public struct InterDomain: Sendable, Equatable {
    /// The kind of the other domain; `.none`: both sides are local.
    public var type: InterDomainType
    /// Handler of the member that owns the source addresses; 0: local.
    public var sourceHandler: UInt16
    /// Handler of the member that owns the destination addresses; 0: local.
    public var destinationHandler: UInt16

    /// Handlers are checked at set-up.
    public init(type: InterDomainType, sourceHandler: UInt16 = 0, destinationHandler: UInt16 = 0) {
        self.type = type
        self.sourceHandler = sourceHandler
        self.destinationHandler = destinationHandler
    }

    /// Both sides are local.
    public static let none = InterDomain(type: .none)
}

/// Kinds of domain; `enum rte_dma_inter_domain_type`.
public struct InterDomainType: RawRepresentable, Sendable, Hashable {
    /// The C value.
    public let rawValue: Int32

    /// Accepts undefined values.
    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// Local.
    public static let none = InterDomainType(rawValue: 0)
    /// Another process.
    public static let process = InterDomainType(rawValue: 1)
    /// Another operating system.
    public static let operatingSystem = InterDomainType(rawValue: 2)

    var isDefined: Bool { (0...2).contains(rawValue) }

    /// The wire name, or the value if it has none.
    public var name: String {
        switch self {
        case .none: "none"
        case .process: "process"
        case .operatingSystem: "os"
        default: "domain type \(rawValue)"
        }
    }
}
