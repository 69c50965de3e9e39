/// The state and counters of a controller, as reported by telemetry.
///
/// It covers the *other* processes that use the controller: a process that only has devices has no report. The controller
/// counts all values itself except those named `claimed`.
public struct ControllerReport: Sendable, Equatable {
    /// One named value.
    public struct Figure: Sendable, Equatable {
        /// The wire name.
        public var name: String
        /// The unit is part of the name.
        public var value: UInt64

        /// Names are not checked.
        public init(_ name: String, _ value: UInt64) {
            self.name = name
            self.value = value
        }
    }

    /// The dma-bufs of one exporter that a connection has given to the controller.
    public struct SharedBuffers: Sendable, Equatable {
        /// The exporter's name.
        public var exporter: String
        /// Registrations and open windows. One buffer can have several.
        public var count: Int
        /// The length of all of them.
        public var byteCount: UInt64
        /// Those with an access that has taken longer than the controller waits, and has not ended yet. Operations that
        /// need them fail meanwhile.
        public var stalledCount: Int

        /// Values are not checked.
        public init(exporter: String, count: Int, byteCount: UInt64, stalledCount: Int) {
            self.exporter = exporter
            self.count = count
            self.byteCount = byteCount
            self.stalledCount = stalledCount
        }
    }

    /// One connection; each is one device of one process.
    public struct Connection: Sendable, Equatable {
        /// Unique since the controller was started.
        public var number: UInt64
        /// Its process and user, as reported by the kernel.
        public var processID: Int32, userID: UInt32
        /// The operating system of the process, which then reports the two; `nil`: the controller's own.
        public var osDomain: String?
        /// The domains of its memberships, without duplicates.
        public var domains: [DomainID]
        /// The groups that it is a member of.
        public var groups: [AccessGroupID]
        /// Its state and counters.
        public var figures: [Figure]
        /// Its dma-bufs, by the name of the exporter.
        public var buffers: [SharedBuffers]

        /// All values are taken as they are.
        public init(
            number: UInt64, processID: Int32, userID: UInt32, osDomain: String? = nil, domains: [DomainID],
            groups: [AccessGroupID], figures: [Figure], buffers: [SharedBuffers] = []
        ) {
            self.osDomain = osDomain
            self.buffers = buffers
            self.number = number
            self.processID = processID
            self.userID = userID
            self.domains = domains
            self.groups = groups
            self.figures = figures
        }
    }

    /// One domain in one group, with the traffic of other members to its windows.
    public struct Member: Sendable, Equatable {
        /// The number of the group.
        public var group: AccessGroupID
        /// The member's handler, used in transfers.
        public var handler: DomainHandler
        /// The domain that it joined with.
        public var domain: DomainID
        /// Process ID as seen by the controller.
        public var processID: Int32
        /// The operating system of that process; `nil`: the controller's own.
        public var osDomain: String?
        /// Operations and bytes that other members read from its windows and wrote to them.
        public var figures: [Figure]

        /// All values are taken as they are.
        public init(
            group: AccessGroupID, handler: DomainHandler, domain: DomainID, processID: Int32, osDomain: String? = nil,
            figures: [Figure]
        ) {
            self.osDomain = osDomain
            self.group = group
            self.handler = handler
            self.domain = domain
            self.processID = processID
            self.figures = figures
        }
    }

    /// `controller_id` in `/dmadev/info` of its devices.
    public var controllerID: UInt16
    /// The path of its control socket.
    public var path: String
    /// How it keeps from allocating missing pages of the memory of others: `userfaultfd`, or `sealed`.
    public var memoryMode: String
    /// Totals over all past and present connections, and current levels.
    public var figures: [Figure]
    /// Current connections, in the order of connecting.
    public var connections: [Connection]
    /// Members of all groups, by group and in the order of joining.
    public var members: [Member]
    /// All groups of the controller.
    public var groups: [AccessGroupInfo]

    /// All values are taken as they are.
    public init(
        controllerID: UInt16, path: String = "", memoryMode: String = "", figures: [Figure] = [],
        connections: [Connection] = [],
        members: [Member] = [],
        groups: [AccessGroupInfo] = []
    ) {
        self.controllerID = controllerID
        self.path = path
        self.memoryMode = memoryMode
        self.figures = figures
        self.connections = connections
        self.members = members
        self.groups = groups
    }
}

/// A controller that provides reports, at any time and to any thread.
public protocol ReportingController: Sendable {
    /// The current state and counters.
    func report() -> ControllerReport

    /// Every event of its access groups. Never waits for the controller.
    var groupEvents: GroupEventLog { get }

    /// Its engines.
    var engines: [EngineReport] { get }
}

extension ReportingController {
    /// None.
    public var engines: [EngineReport] { [] }
}
