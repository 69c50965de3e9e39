public import DMADev
public import LinuxSystem
public import SystemPackage

/// The access groups of a controller: their members, the members' handlers, and the accessible memory.
///
/// It decides and stores state, and records each change in its log; it does no I/O and starts no thread. Only one thread at a time may use
/// it. After every call that changes something, read the events with ``takeDeliveries()``.
///
/// **Leaving has two steps.** ``leave(_:by:)``, ``destroy(_:by:)`` and ``depart(_:isForced:)`` invalidate handlers at once and
/// return a ``Revocation``; when no engine uses those handlers any more, ``confirm(_:)`` frees the numbers and releases
/// the events. Later events of a group wait for earlier ones: members receive all events in order.
public struct AccessGroupTable {
    /// One domain in one group.
    struct Seat {
        /// Grows in the order of joining, and is never reused.
        let identity: UInt64
        var domain: DomainID
        var handler: DomainHandler
        var process: UInt64
        var processID: Int32
        var tenant: Tenant
        /// The devices of the process that share this seat.
        var devices: [AccessGroupClient]
        var windows: [Window] = []
    }

    /// A window, which goes with the device that has opened it.
    struct Window {
        var window: DomainWindow
        var owner: AccessGroupClient
    }

    /// An event that waits for earlier events or a confirmation.
    struct Outgoing {
        var event: AccessGroupEvent
        var recipients: [AccessGroupClient]
        /// The revocation that has to be confirmed first.
        var revocation: UInt64?
    }

    struct Group {
        /// Never reused, unlike the group's number.
        let identity: UInt64
        var kind: AccessGroupKind
        /// The token that a join needs; `nil` when the group is ending.
        var token: AccessToken?
        /// In the order of joining; the creator's first.
        var seats: [Seat]
        /// The device that created the group: only it may destroy it, and the group ends with it.
        let creator: AccessGroupClient
        /// Whether the group is destroyed for all members; its number becomes free after its last event.
        var isEnding = false
        var outbox: [Outgoing] = []
        var throttle = JoinThrottle()

        var clients: [AccessGroupClient] { seats.flatMap(\.devices) }

        func seat(of client: AccessGroupClient) -> Int? {
            seats.firstIndex { $0.devices.contains(client) }
        }
    }

    /// The limits of this table.
    public let limits: AccessGroupLimits
    /// Every change, also those that no device receives.
    public let log: GroupEventLog

    var groups: [AccessGroupID: Group] = [:]
    var numbers: HandlerNumbers
    /// The group of each live handler.
    var groupOfHandler: [DomainHandler: AccessGroupID] = [:]
    /// The revocations that wait for a confirmation, by number.
    var pending: [UInt64: [(group: AccessGroupID, handler: DomainHandler)]] = [:]
    var lastRevocation: UInt64 = 0
    /// Of the processes that have opened windows.
    var addresses: [UInt64: AddressCounter] = [:]
    var deliveries: [AccessGroupDelivery] = []
    private var lastCreated: AccessGroupID = -1
    private var lastIdentity: UInt64 = 0
    private var lastSeat: UInt64 = 0
    private let tokens: TokenStore
    /// Of numbers that no group has.
    private var absentThrottles: [AccessGroupID: JoinThrottle] = [:]
    var groupOfWindow: [WindowKey: AccessGroupID] = [:]

    /// Makes an empty table.
    ///
    /// - Parameters:
    ///   - limits: apply to all groups together and to each tenant.
    ///   - log: records every change.
    /// - Throws: ENOMEM, EAGAIN or EPERM when the process cannot lock the memory for tokens, 16 bytes for each group
    ///   and waiting join.
    public init(
        limits: AccessGroupLimits = AccessGroupLimits(), log: GroupEventLog = GroupEventLog()
    ) throws(Errno) {
        try self.init(limits: limits, log: log, highestHandler: .max)
    }

    init(
        limits: AccessGroupLimits, log: GroupEventLog = GroupEventLog(), highestHandler: DomainHandler
    ) throws(Errno) {
        tokens = try TokenStore(capacity: Int(limits.groupCount) + limits.waitingJoins)
        self.limits = limits
        self.log = log
        numbers = HandlerNumbers(highest: highestHandler)
    }

    // MARK: Create and join

    /// Creates a group; the creator's domain is its first member.
    ///
    /// - Returns: the group's number: the free one that has been unused for the longest time.
    /// - Throws: `EINVAL` for a limit below 2, `ENOSPC` when the table, a quota, a share or the handlers are used
    ///   up.
    public mutating func create(
        _ kind: AccessGroupKind, domain: DomainID, token: AccessToken, by client: AccessGroupClient
    ) throws(DMAError) -> AccessGroupID {
        guard kind.memberLimit >= 2 else {
            throw DMAError(.invalidArgument, .invalidArgument, "a group needs a limit of at least 2 members")
        }
        let owned = groups.values.count { !$0.isEnding && $0.creator.tenant == client.tenant }
        guard owned < limits.groupsPerTenant else {
            throw .exhausted("\(client.tenant) has \(owned) access groups, the maximum")
        }
        guard let id = freeNumber() else {
            throw .exhausted("there are \(limits.groupCount) access groups, the maximum")
        }
        let taken = groups.values.reduce(into: [:]) { $0[$1.creator.tenant, default: 0] += 1 }
        guard client.tenant.mayTakeOne(of: Int(limits.groupCount), taken: taken) else {
            throw .exhausted(
                "\(client.tenant) has \(owned) access groups: the last quarter of the \(limits.groupCount) is for those who "
                    + "have fewer")
        }
        guard let token = keep(token) else { throw .exhausted("the memory for tokens is full") }
        let seat = try newSeat(domain, client)
        lastIdentity += 1
        groups[id] = Group(identity: lastIdentity, kind: kind, token: token, seats: [seat], creator: client)
        groupOfHandler[seat.handler] = id
        absentThrottles[id] = nil
        lastCreated = id
        record(event(.created, of: seat, in: id), limit: kind.memberLimit)
        return id
    }

    /// Returns the time from which a join request can be processed: now, or later after failed attempts. Hold the
    /// request until then, then call ``join(_:domain:token:by:at:admission:)``.
    public func admitJoin(
        _ id: AccessGroupID, by client: AccessGroupClient, at now: MonotonicTime
    ) -> JoinAdmission {
        let group = current(id)
        let throttle = group?.throttle ?? absentThrottles[id]
        return JoinAdmission(
            moment: throttle?.moment(of: client.tenant, at: now) ?? now, identity: group?.identity ?? 0)
    }

    /// The group with a number, unless it is ending.
    private func current(_ id: AccessGroupID) -> Group? { groups[id].flatMap { $0.isEnding ? nil : $0 } }

    /// Stores a token in the memory of the groups' tokens, for a join that waits. The copy is wiped when the last
    /// reference to it is released.
    ///
    /// - Returns: the copy; `nil` when ``AccessGroupLimits/waitingJoins`` wait already.
    public func keep(_ token: AccessToken) -> AccessToken? { tokens.keep(token) }

    /// Joins a group.
    ///
    /// - Parameters:
    ///   - id: the group.
    ///   - domain: becomes a member.
    ///   - token: of the group.
    ///   - client: the device that joins.
    ///   - now: the time.
    ///   - admission: of a join that has waited; `nil`: it has not.
    /// - Returns: the domain's handler; the existing one if the process is already in the group with this domain
    ///   through another device.
    /// - Throws: `EINVAL` for a number out of range; `EACCES` for a wrong token or no such group, after the same
    ///   computation; `EEXIST` when another process is in the group with this domain, or the device is in the group;
    ///   `ENOSPC` when the group, a quota or the handlers are used up.
    public mutating func join(
        _ id: AccessGroupID, domain: DomainID, token: AccessToken, by client: AccessGroupClient, at now: MonotonicTime,
        admission: JoinAdmission? = nil
    ) throws(DMAError) -> DomainHandler {
        let isOther = admission.map { $0.identity != current(id)?.identity ?? 0 } ?? false
        do {
            return try enter(id, domain, token, client, isOther: isOther)
        } catch {
            // An attempt at an earlier group of this number does not count for this one.
            if error.errno == .permissionDenied, !isOther {
                if current(id) != nil {
                    groups[id]?.throttle.failed(client.tenant, at: now)
                } else {
                    absentThrottles[id, default: JoinThrottle()].failed(client.tenant, at: now)
                }
            }
            recordDenied(id, domain, client, error)
            throw error
        }
    }

    private mutating func enter(
        _ id: AccessGroupID, _ domain: DomainID, _ token: AccessToken, _ client: AccessGroupClient, isOther: Bool
    ) throws(DMAError) -> DomainHandler {
        try mustBeInRange(id)
        let group = isOther ? nil : current(id)
        guard tokens.matches(token, group?.token), let group else { throw .denied }
        if group.seat(of: client) != nil {
            throw DMAError(.exists, .fileExists, "this device is already in access group \(id)")
        }
        if let index = group.seats.firstIndex(where: { $0.domain == domain }) {
            guard group.seats[index].process == client.process else {
                throw DMAError(.exists, .fileExists, "another process is in access group \(id) as domain \(domain)")
            }
            groups[id]?.seats[index].devices.append(client)
            let event = event(.deviceJoined, of: group.seats[index], in: id, device: client)
            record(event)
            send(event, to: group.clients, after: nil)
            return group.seats[index].handler
        }
        guard group.seats.count < group.kind.memberLimit else {
            throw .exhausted("access group \(id) has \(group.seats.count) members, the maximum")
        }
        let seat = try newSeat(domain, client)
        groups[id]?.seats.append(seat)
        groupOfHandler[seat.handler] = id
        let event = event(.joined, of: seat, in: id, device: client)
        record(event)
        send(event, to: group.clients, after: nil)
        return seat.handler
    }

    // MARK: Implementation

    func mustBeInRange(_ id: AccessGroupID) throws(DMAError) {
        guard id >= 0, id < limits.groupCount else {
            throw DMAError(
                .invalidArgument, .invalidArgument,
                "access group \(id) is out of range: 0 to \(limits.groupCount - 1) are allowed")
        }
    }

    /// The free number that has been unused for the longest time, so that an old group is not mistaken for a new one.
    private func freeNumber() -> AccessGroupID? {
        let count = Int(limits.groupCount)
        return (1...count).lazy.map { AccessGroupID((Int(lastCreated) + $0) % count) }.first { groups[$0] == nil }
    }

    private mutating func newSeat(_ domain: DomainID, _ client: AccessGroupClient) throws(DMAError) -> Seat {
        let owned = groups.values.reduce(0) { $0 + $1.seats.count { $0.tenant == client.tenant } }
        guard owned < limits.membershipsPerTenant else {
            throw .exhausted("\(client.tenant) has \(owned) memberships, the maximum")
        }
        let handler = try numbers.take(for: client.tenant)
        lastSeat += 1
        return Seat(
            identity: lastSeat, domain: domain, handler: handler, process: client.process, processID: client.processID,
            tenant: client.tenant, devices: [client])
    }
}

extension DMAError {
    /// The same error for a wrong token and for a group that does not exist.
    static var denied: DMAError {
        DMAError(.accessDenied, .permissionDenied, "the access group does not exist, or the token is wrong")
    }

    /// The same error for a group that does not exist and for a group that the device is not in.
    static var notAMember: DMAError {
        DMAError(.accessDenied, .permissionDenied, "the access group does not exist, or the device is not in it")
    }

    static func exhausted(_ message: String) -> DMAError { DMAError(.exhausted, .noSpace, message) }
}
