/// The limits, quotas and socket settings of a controller.
public struct ControllerConfiguration: Sendable {
    /// What processes have in common that share quotas and turns.
    public enum TenantRule: Sendable {
        /// The user.
        case users
        /// The control group, and in a group that belongs to another user than the superuser, all groups below it.
        case cgroups
    }

    /// The limits for all processes of one tenant together.
    public struct Quota: Sendable, Equatable {
        /// Connections; each is one device.
        public var connections = 64
        /// Rings of started virtual channels.
        public var rings = 256
        /// Registered memory regions.
        public var windows = 1024
        /// Bytes of registered memory and of rings. The mapped size counts, not the used memory: any process with a
        /// sealed file can fill its holes again and again.
        public var bytes: UInt64 = 4 << 30
        /// Access groups that the tenant has created.
        public var groups = 64
        /// Queued events of groups, because the application does not read and its socket is full. Events are never
        /// dropped: beyond this, the connection with the most queued events ends.
        public var events = 16384

        /// The default quota.
        public init() {}
    }

    /// The `controller_id` of each device, for applications.
    public var controllerID: UInt16 = 0
    /// Maximum number of virtual channels of a device, 1 to 1,024.
    public var maximumVirtualChannelCount: UInt16 = 16
    /// Maximum number of descriptors of a ring, up to 32,768.
    public var maximumDescriptorCount: UInt16 = 8192
    /// Minimum number of descriptors of a ring, from 1.
    public var minimumDescriptorCount: UInt16 = 32
    /// Maximum number of entries of a scatter-gather list, up to 64.
    public var maximumEntryCount: UInt16 = 32
    /// Maximum number of access groups, 1 to 32,767.
    public var accessGroupCount: UInt16 = 256
    /// Who is a tenant. The overflow user (65534), who stands for all users that this user namespace does not have, is
    /// one for each control group in any case. Processes whose group cannot be read are counted to their user.
    public var tenants = TenantRule.users
    /// The other operating systems whose processes may use the controller. Each is one tenant.
    public var osDomains: [OSDomain] = []
    /// Applies to each tenant separately.
    public var quota = Quota()
    /// Whether priorities order the devices of all tenants, not only those of one: then a tenant whose device has the
    /// highest priority can take all of the engine's time.
    public var hasGlobalPriorities = false
    /// The exporters whose dma-bufs applications may map, as `exp_name` in `/proc/PID/fdinfo` has them: those of the
    /// kernel's system heap and of memory files by default. Others can be drivers with calls that block.
    public var exporters: Set<String> = ["system", "udmabuf"]
    /// The longest time that an operation on a dma-buf waits for the devices that use it; then it fails.
    public var exporterTimeout = Duration.seconds(1)
    package var bufferCalls = DMABufferCalls()
    /// The mode of the socket, which controls who may connect: connecting needs read and write.
    public var socketMode: UInt16 = 0o660
    /// The group ID of the socket; `nil`: the group of the process.
    public var socketGroup: UInt32?
    /// Maximum number of connections of all tenants together; further ones are refused.
    public var maximumConnections = 1024

    /// The default configuration.
    public init() {}
}

/// Why a controller could not be started.
public struct ControllerError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong, and what is allowed.
    public let description: String
    /// Another controller uses the socket; a start at another path can succeed.
    public let isTaken: Bool

    /// Creates an error from the text that the user reads.
    public init(_ description: String, isTaken: Bool = false) {
        self.description = description
        self.isTaken = isTaken
    }
}
