public import DMADev

/// The caller: one device of one process, identified by what the kernel reports and not by what the process sends.
///
/// Clients are equal if they are the same device.
public struct AccessGroupClient: Sendable, Hashable {
    /// A unique number of the process that is never reused, unlike a process id.
    public var process: UInt64
    /// A unique number of the device that is never reused.
    public var device: UInt64
    /// The device's number in its process, for display only; -1: unknown.
    public var number: Int16
    /// The process id, for display only.
    public var processID: Int32
    /// The user, for display only.
    public var userID: UInt32
    /// Whose quotas and delays apply.
    public var tenant: Tenant

    /// Makes a client from the identity that the kernel reports.
    ///
    /// - Parameters:
    ///   - process: a unique number of the process.
    ///   - device: a unique number of the device.
    ///   - number: the device's number in its process; -1: unknown.
    ///   - processID: for display only.
    ///   - userID: for display only.
    ///   - tenant: whose quotas and delays apply; `nil`: the user's.
    public init(
        process: UInt64, device: UInt64, number: Int16 = -1, processID: Int32, userID: UInt32, tenant: Tenant? = nil
    ) {
        self.process = process
        self.device = device
        self.number = number
        self.processID = processID
        self.userID = userID
        self.tenant = tenant ?? .user(userID)
    }

    /// Compares the devices.
    public static func == (one: AccessGroupClient, other: AccessGroupClient) -> Bool { one.device == other.device }

    /// Hashes the device.
    public func hash(into hasher: inout Hasher) { hasher.combine(device) }
}

/// An event to send to one device.
public struct AccessGroupDelivery: Sendable, Hashable {
    /// The recipient.
    public let client: AccessGroupClient
    /// The event to send.
    public let event: AccessGroupEvent
}

/// The handlers and windows that no engine may access before the revocation is reported.
///
/// The handlers are already invalid in the table. Remove them and the windows from the engines, wait until each engine
/// has passed a quiescent point, then pass this value to ``AccessGroupTable/confirm(_:)``.
public struct Revocation: Sendable, Hashable {
    let number: UInt64
    /// The groups in which something is revoked.
    public internal(set) var groups: [AccessGroupID] = []
    /// The revoked handlers.
    public internal(set) var handlers: [DomainHandler]
    /// The removed windows.
    public internal(set) var windows: [DomainWindow]
}

/// The limits of a table, in total and per tenant.
public struct AccessGroupLimits: Sendable, Hashable {
    /// The highest number of groups of the controller, `nb_access_groups`: 1 to 32,767.
    public var groupCount: UInt16
    /// The highest number of groups that the processes of one tenant have created.
    public var groupsPerTenant: Int
    /// The highest number of memberships of the processes of one tenant.
    public var membershipsPerTenant: Int
    /// The highest number of windows of the processes of one tenant.
    public var windowsPerTenant: Int
    /// The highest number of joins that wait at a time.
    public var waitingJoins: Int

    /// Makes limits; `groupCount` is clamped to its range.
    public init(
        groupCount: UInt16 = 256, groupsPerTenant: Int = 64, membershipsPerTenant: Int = 1024,
        windowsPerTenant: Int = 1024,
        waitingJoins: Int = 64
    ) {
        self.groupCount = min(max(groupCount, 1), UInt16(Int16.max))
        self.groupsPerTenant = groupsPerTenant
        self.membershipsPerTenant = membershipsPerTenant
        self.windowsPerTenant = windowsPerTenant
        self.waitingJoins = waitingJoins
    }
}
