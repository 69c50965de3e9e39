public import DMADev

/// Who calls: one device of one process, known by what the system says of it and not by what it says itself.
public struct AccessGroupClient: Sendable, Hashable {
    /// A number for the process that nobody else ever gets: process ids come back.
    public var process: UInt64
    /// The device's number in that process.
    public var device: Int16
    /// The process id, for people.
    public var processID: Int32
    /// Whose quotas count.
    public var userID: UInt32

    /// A client.
    public init(process: UInt64, device: Int16, processID: Int32, userID: UInt32) {
        self.process = process
        self.device = device
        self.processID = processID
        self.userID = userID
    }
}

/// An event on its way to one device.
public struct AccessGroupDelivery: Sendable, Hashable {
    /// To whom.
    public let client: AccessGroupClient
    /// What.
    public let event: AccessGroupEvent
}

/// What has to be out of every engine's reach before anybody may hear that it is.
///
/// The handlers are dead for the table already. Make the engines forget them and the windows, wait until each has passed
/// a quiescent point, then hand this to ``AccessGroupTable/confirm(_:)``.
public struct Revocation: Sendable, Hashable {
    let number: UInt64
    /// Handlers that died.
    public internal(set) var handlers: [DomainHandler]
    /// Windows that went.
    public internal(set) var windows: [DomainWindow]
}

/// How much there may be.
public struct AccessGroupLimits: Sendable, Hashable {
    /// Groups of the controller, `nb_access_groups`: 1 to 32,767.
    public var groupCount: UInt16
    /// Groups that one user's processes have made.
    public var groupsPerUser: Int
    /// Memberships of one user's processes.
    public var membershipsPerUser: Int
    /// Windows of one user's processes.
    public var windowsPerUser: Int
    /// Joins that wait at a time.
    public var waitingJoins: Int

    /// Limits.
    public init(
        groupCount: UInt16 = 256, groupsPerUser: Int = 64, membershipsPerUser: Int = 1024, windowsPerUser: Int = 1024,
        waitingJoins: Int = 64
    ) {
        self.groupCount = min(max(groupCount, 1), UInt16(Int16.max))
        self.groupsPerUser = groupsPerUser
        self.membershipsPerUser = membershipsPerUser
        self.windowsPerUser = windowsPerUser
        self.waitingJoins = waitingJoins
    }
}
