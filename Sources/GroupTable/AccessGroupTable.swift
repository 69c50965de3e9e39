public import DMADev
public import LinuxSystem
public import SystemPackage

/// The access groups of a controller: who is in which, by what number, and what of them may be reached.
///
/// It decides and remembers; it does no I/O, starts no thread, and asks no clock. One thread at a time may use it. After
/// every call that changes something, events may wait in ``takeDeliveries()``.
///
/// **Leaving has two steps.** ``leave(_:by:)`` and its like make handlers dead at once and return a ``Revocation``;
/// when no engine uses those any more, ``confirm(_:)`` frees the numbers and lets the events go. Events of a group that
/// come after one that waits, wait behind it: members hear everything in order.
public struct AccessGroupTable {
    /// One domain in one group.
    struct Seat {
        var domain: DomainID
        var handler: DomainHandler
        var process: UInt64
        var processID: Int32
        var userID: UInt32
        /// The devices that the process is here with.
        var devices: [Int16]
        var windows: [DomainWindow] = []

        var clients: [AccessGroupClient] {
            devices.map { AccessGroupClient(process: process, device: $0, processID: processID, userID: userID) }
        }

        func isSeat(of client: AccessGroupClient) -> Bool {
            process == client.process && devices.contains(client.device)
        }
    }

    /// An event that waits for its turn.
    struct Outgoing {
        var event: AccessGroupEvent
        var recipients: [AccessGroupClient]
        /// What has to be confirmed first.
        var revocation: UInt64?
    }

    struct Group {
        var kind: AccessGroupKind
        /// What opens it, as long as it does not end.
        var token: AccessToken?
        /// In the order of joining; the creator's first.
        var seats: [Seat]
        /// The device that made it.
        var creator: AccessGroupClient
        /// Gone for everybody; the number is free when its last event is out.
        var isEnding = false
        var outbox: [Outgoing] = []

        func seat(of client: AccessGroupClient) -> Int? {
            seats.firstIndex { $0.isSeat(of: client) }
        }
    }

    /// How much there may be.
    public let limits: AccessGroupLimits

    var groups: [AccessGroupID: Group] = [:]
    var numbers: HandlerNumbers
    /// Groups by the live handlers.
    var groupOfHandler: [DomainHandler: AccessGroupID] = [:]
    /// What waits to be confirmed, by its number.
    var pending: [UInt64: [(group: AccessGroupID, handler: DomainHandler)]] = [:]
    var lastRevocation: UInt64 = 0
    var nextIOVA = firstIOVA
    var deliveries: [AccessGroupDelivery] = []
    private var lastCreated: AccessGroupID = -1
    private let tokens: TokenStore
    private var throttle = JoinThrottle()

    /// An empty table.
    ///
    /// - Throws: ENOMEM, EAGAIN or EPERM when the process may not lock the memory for tokens, 16 bytes for each group and
    ///   waiting join.
    public init(limits: AccessGroupLimits = AccessGroupLimits()) throws(Errno) {
        try self.init(limits: limits, highestHandler: .max)
    }

    init(limits: AccessGroupLimits, highestHandler: DomainHandler) throws(Errno) {
        tokens = try TokenStore(capacity: Int(limits.groupCount) + limits.waitingJoins)
        self.limits = limits
        numbers = HandlerNumbers(highest: highestHandler)
    }

    // MARK: Coming

    /// Makes a group, whose creator's domain is its first member.
    ///
    /// - Returns: the group's number: one that has not been used for longest.
    /// - Throws: `EINVAL` for a limit below 2, `ENOSPC` when the table, a quota or the handlers are used up.
    public mutating func create(
        _ kind: AccessGroupKind, domain: DomainID, token: AccessToken, by client: AccessGroupClient
    ) throws(DMAError) -> AccessGroupID {
        guard kind.memberLimit >= 2 else {
            throw DMAError(.invalidArgument, .invalidArgument, "a group holds 2 members at least")
        }
        let owned = groups.values.count { !$0.isEnding && $0.creator.userID == client.userID }
        guard owned < limits.groupsPerUser else {
            throw .exhausted("user \(client.userID) has \(owned) access groups, the most allowed")
        }
        guard let id = freeNumber() else {
            throw .exhausted("there are \(limits.groupCount) access groups, the most allowed")
        }
        guard let token = keep(token) else { throw .exhausted("there is no room for another token") }
        let seat = try newSeat(domain, client)
        groups[id] = Group(kind: kind, token: token, seats: [seat], creator: client)
        groupOfHandler[seat.handler] = id
        lastCreated = id
        traceCreated(id, kind, seat)
        return id
    }

    /// When a try to join that comes now may be looked at: at once, but for those who have failed before. Hold the
    /// request until then, then ``join(_:domain:token:by:at:)``.
    public mutating func admitJoin(
        _ group: AccessGroupID, by client: AccessGroupClient, at now: MonotonicTime
    ) -> MonotonicTime {
        throttle.admit(group, client.userID, at: now)
    }

    /// Keeps a token where those of the groups are: for a join that waits. It is wiped when the last reference to what
    /// is returned goes.
    ///
    /// - Returns: the copy; `nil` when ``AccessGroupLimits/waitingJoins`` wait already.
    public func keep(_ token: AccessToken) -> AccessToken? { tokens.keep(token) }

    /// Joins a group.
    ///
    /// - Returns: the domain's handler; where its process is in the group with this domain already, with another device,
    ///   the one that it has.
    /// - Throws: `EINVAL` for a number beyond the table; `EACCES` for a wrong token or no such group, after the same
    ///   work; `EEXIST` when another process is in the group with this domain, or the device is in the group; `ENOSPC`
    ///   when the group, a quota or the handlers are used up.
    public mutating func join(
        _ id: AccessGroupID, domain: DomainID, token: AccessToken, by client: AccessGroupClient, at now: MonotonicTime
    ) throws(DMAError) -> DomainHandler {
        do {
            return try enter(id, domain, token, client)
        } catch {
            if error.errno == .permissionDenied { throttle.failed(id, client.userID, at: now) }
            traceDenied(id, domain, client, error)
            throw error
        }
    }

    private mutating func enter(
        _ id: AccessGroupID, _ domain: DomainID, _ token: AccessToken, _ client: AccessGroupClient
    ) throws(DMAError) -> DomainHandler {
        try mustBeInRange(id)
        let group = groups[id].flatMap { $0.isEnding ? nil : $0 }
        guard tokens.matches(token, group?.token), let group else { throw .denied }
        if group.seat(of: client) != nil {
            throw DMAError(.exists, .fileExists, "this device is in access group \(id) already")
        }
        if let index = group.seats.firstIndex(where: { $0.domain == domain }) {
            guard group.seats[index].process == client.process else {
                throw DMAError(.exists, .fileExists, "another process is in access group \(id) as domain \(domain)")
            }
            groups[id]?.seats[index].devices.append(client.device)
            return group.seats[index].handler
        }
        guard group.seats.count < group.kind.memberLimit else {
            throw .exhausted("access group \(id) has \(group.seats.count) members, the most allowed")
        }
        let seat = try newSeat(domain, client)
        groups[id]?.seats.append(seat)
        groupOfHandler[seat.handler] = id
        traceJoined(id, seat)
        tell(.joined, of: seat, in: id, to: group.seats, after: nil)
        return seat.handler
    }

    // MARK: Inside

    func mustBeInRange(_ id: AccessGroupID) throws(DMAError) {
        guard id >= 0, id < limits.groupCount else {
            throw DMAError(
                .invalidArgument, .invalidArgument, "access group \(id): there are 0 to \(limits.groupCount - 1)")
        }
    }

    /// The group's number that has not been used for longest, so that an old one is not taken for the new one.
    private func freeNumber() -> AccessGroupID? {
        let count = Int(limits.groupCount)
        return (1...count).lazy.map { AccessGroupID((Int(lastCreated) + $0) % count) }.first { groups[$0] == nil }
    }

    private mutating func newSeat(_ domain: DomainID, _ client: AccessGroupClient) throws(DMAError) -> Seat {
        let owned = seatCount(of: client.userID)
        guard owned < limits.membershipsPerUser else {
            throw .exhausted("user \(client.userID) has \(owned) memberships, the most allowed")
        }
        guard let handler = numbers.take() else { throw .exhausted("every handler is in use") }
        return Seat(
            domain: domain, handler: handler, process: client.process, processID: client.processID,
            userID: client.userID, devices: [client.device])
    }

    private func seatCount(of userID: UInt32) -> Int {
        groups.values.reduce(0) { $0 + $1.seats.count { $0.userID == userID } }
    }
}

extension DMAError {
    /// One answer to a wrong token and to a group that is not there.
    static var denied: DMAError {
        DMAError(.accessDenied, .permissionDenied, "there is no such access group, or its token is another one")
    }

    /// One answer to a group that is not there and to one of others.
    static var notAMember: DMAError {
        DMAError(.accessDenied, .permissionDenied, "the device is not in such an access group")
    }

    static func exhausted(_ message: String) -> DMAError { DMAError(.exhausted, .noSpace, message) }
}
