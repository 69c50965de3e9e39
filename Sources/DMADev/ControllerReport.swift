/// What a controller has and has done, as telemetry tells it.
///
/// It is about the *other* processes, whose devices the controller is: a process with devices only has none. All counts
/// are the controller's own but those that are called claimed.
public struct ControllerReport: Sendable, Equatable {
    /// One figure with its name.
    public struct Figure: Sendable, Equatable {
        /// What it is, in the words of the wire.
        public var name: String
        /// How much.
        public var value: UInt64

        /// A figure.
        public init(_ name: String, _ value: UInt64) {
            self.name = name
            self.value = value
        }
    }

    /// One connection, which is one device of one process.
    public struct Connection: Sendable, Equatable {
        /// Tells it from every other one since the controller was started.
        public var number: UInt64
        /// Its process and that one's user, as the kernel says.
        public var processID: Int32, userID: UInt32
        /// The domains that it is a member as, without repetition.
        public var domains: [DomainID]
        /// Its groups.
        public var groups: [AccessGroupID]
        /// What it has and has done.
        public var figures: [Figure]

        /// A connection.
        public init(
            number: UInt64, processID: Int32, userID: UInt32, domains: [DomainID], groups: [AccessGroupID],
            figures: [Figure]
        ) {
            self.number = number
            self.processID = processID
            self.userID = userID
            self.domains = domains
            self.groups = groups
            self.figures = figures
        }
    }

    /// One domain in one group, with what others did to its windows.
    public struct Member: Sendable, Equatable {
        /// The group.
        public var group: AccessGroupID
        /// The member's number in transfers.
        public var handler: DomainHandler
        /// Who.
        public var domain: DomainID
        /// Its process.
        public var processID: Int32
        /// Operations and bytes that others have read from its windows and written to them.
        public var figures: [Figure]

        /// A member.
        public init(
            group: AccessGroupID, handler: DomainHandler, domain: DomainID, processID: Int32, figures: [Figure]
        ) {
            self.group = group
            self.handler = handler
            self.domain = domain
            self.processID = processID
            self.figures = figures
        }
    }

    /// What applications see as the device's `controller_id`.
    public var controllerID: UInt16
    /// The path of its control socket.
    public var path: String
    /// Sums over all connections that there have been, and what there is now.
    public var figures: [Figure]
    /// Who is connected, in the order of connecting.
    public var connections: [Connection]
    /// Who is in groups, by group and in the order of joining.
    public var members: [Member]
    /// The groups.
    public var groups: [AccessGroupInfo]

    /// A report.
    public init(
        controllerID: UInt16, path: String = "", figures: [Figure] = [], connections: [Connection] = [],
        members: [Member] = [],
        groups: [AccessGroupInfo] = []
    ) {
        self.controllerID = controllerID
        self.path = path
        self.figures = figures
        self.connections = connections
        self.members = members
        self.groups = groups
    }
}

/// A controller that can be asked for a report, at any moment and from any thread.
public protocol ReportingController: Sendable {
    /// What it has and has done now.
    func report() -> ControllerReport
}
