internal import CDMATrace
internal import SystemPackage

/// Access groups of several domains. Any thread may call; a device's control calls wait for each other.
///
/// All calls throw `EINVAL` when the device was closed, has neither inter-domain capability, or the group number is out
/// of range (0 to `accessGroupCount` minus 1), and `ENOTSUP` when its driver does not support access groups.
extension DMADevice {
    /// Creates a group; the caller becomes its first member; `rte_dma_access_group_create`.
    ///
    /// - Parameters:
    ///   - domain: the caller's domain.
    ///   - token: required to join; pass it to the joiners, with the group's number, over a secure channel.
    ///   - limit: maximum number of members, at least 2, the creator included.
    /// - Returns: the group's number.
    /// - Throws: `EINVAL` for the limit, `ENOSPC` when all group numbers are in use.
    public func createAccessGroup(
        domain: DomainID, token: AccessToken, limit: UInt16 = 64
    ) throws(DMAError) -> AccessGroupID {
        var group: AccessGroupID = -1
        try controlling("access_group_create") { ret in
            guard dmatrace_dmadev_access_group_create_enabled() else { return }
            dmatrace_dmadev_access_group_create(id, domain.bytes, limit, group, ret)
        } _: { () throws(DMAError) in
            guard limit >= 2 else {
                throw .invalid("a limit of \(limit) members: the minimum is 2, the creator and one joiner")
            }
            try mustCrossDomains()
            group = try driver.createAccessGroup(.group(limit: limit), domain: domain, token: token).group
        }
        return group
    }

    /// Joins a group of either kind; `rte_dma_access_group_join`. A second device of the same process with the same
    /// domain shares the membership.
    ///
    /// - Returns: the caller's handler.
    /// - Throws: `EACCES` when the token is wrong or the group does not exist (not distinguished); `EEXIST` when
    ///   another process is in the group with this domain; `ENOSPC` when the group is full.
    @discardableResult
    public func joinAccessGroup(
        _ group: AccessGroupID, domain: DomainID, token: AccessToken
    ) throws(DMAError) -> DomainHandler {
        var handler: DomainHandler = 0
        try controlling("access_group_join") { ret in
            guard dmatrace_dmadev_access_group_join_enabled() else { return }
            dmatrace_dmadev_access_group_join(id, group, domain.bytes, handler, ret)
        } _: { () throws(DMAError) in
            try mustBeInRange(group)
            handler = try driver.joinAccessGroup(group, domain: domain, token: token).handler
        }
        return handler
    }

    /// Leaves a group; `rte_dma_access_group_leave`. When it returns, the caller's windows in this group are closed,
    /// the handler is invalid, the other members receive *left*, and this device receives no more events of the group.
    ///
    /// - Throws: `EPERM` for the device that created the group, which must destroy it instead; `EACCES` if the device
    ///   is not a member.
    public func leaveAccessGroup(_ group: AccessGroupID) throws(DMAError) {
        try exiting(group, "access_group_leave") { ret in
            dmatrace_dmadev_access_group_leave(id, group, ret)
        } _: { () throws(DMAError) in
            try driver.leaveAccessGroup(group)
        }
    }

    /// Destroys a group without other members; `rte_dma_access_group_destroy`. Other devices that share the creator's
    /// membership receive *destroyed*.
    ///
    /// - Throws: `EPERM` for every device but the one that created the group, `EBUSY` while it has other members,
    ///   `EACCES` if the device is not a member.
    public func destroyAccessGroup(_ group: AccessGroupID) throws(DMAError) {
        try exiting(group, "access_group_destroy") { ret in
            dmatrace_dmadev_access_group_destroy(id, group, ret)
        } _: { () throws(DMAError) in
            try driver.destroyAccessGroup(group)
        }
    }

    /// The number of domains in a group, creator included; `rte_dma_access_group_size_get`.
    ///
    /// - Throws: `EACCES` if the device is not a member.
    public func accessGroupSize(_ group: AccessGroupID) throws(DMAError) -> Int {
        var size = 0
        try querying("access_group_size_get") { ret in
            dmatrace_dmadev_access_group_size_get(id, group, UInt16(size), ret)
        } _: { () throws(DMAError) in
            try mustBeInRange(group)
            size = try driver.accessGroup(group).members.count
        }
        return size
    }

    /// The members of a group, in the order of joining; `rte_dma_access_group_get`, whose table has one word per
    /// member: the handler in the low 16 bits, 0 in the rest.
    ///
    /// - Throws: `EACCES` if the device is not a member.
    public func accessGroupTable(_ group: AccessGroupID) throws(DMAError) -> [AccessGroupMember] {
        var members: [AccessGroupMember] = []
        try querying("access_group_get") { ret in
            guard dmatrace_dmadev_access_group_get_enabled() else { return }
            dmatrace_dmadev_access_group_get(
                id, group, members.map(\.handler), members.flatMap(\.domain.bytes), UInt16(members.count), ret)
        } _: { () throws(DMAError) in
            try mustBeInRange(group)
            members = try driver.accessGroup(group).members
        }
        return members
    }

    /// The handler of a domain in a group; corresponds to `rte_dma_access_pair_group_handler_get` for pair groups.
    ///
    /// - Throws: `ENOENT` when the domain is not in the group, `EACCES` if the device is not a member.
    public func accessGroupHandler(of domain: DomainID, in group: AccessGroupID) throws(DMAError) -> DomainHandler {
        var handler: DomainHandler = 0
        try querying("access_group_handler_get") { ret in
            guard dmatrace_dmadev_access_group_handler_get_enabled() else { return }
            dmatrace_dmadev_access_group_handler_get(id, group, domain.bytes, handler, ret)
        } _: { () throws(DMAError) in
            handler = try findHandler(of: domain, in: group)
        }
        return handler
    }

    // MARK: Inside

    /// Runs a call that leaves or destroys a group, and removes the group's callback and undelivered events.
    func exiting(
        _ group: AccessGroupID, _ call: String, _ trace: (Int32) -> Void, _ body: () throws(DMAError) -> Void
    ) throws(DMAError) {
        var removed: [UInt64] = []
        try controlling(call, trace) { () throws(DMAError) in
            try mustBeInRange(group)
            try body()
            // Under the lock of control calls: later, the number can belong to a new group of the device.
            removed = delivery.remove(group)
        }
        // Without the lock: a running callback may be waiting for it.
        delivery.waitUntilNoneRuns(of: removed)
    }

    func findHandler(of domain: DomainID, in group: AccessGroupID) throws(DMAError) -> DomainHandler {
        try mustBeInRange(group)
        guard let member = try driver.accessGroup(group).members.first(where: { $0.domain == domain }) else {
            throw DMAError(.notFound, .noSuchFileOrDirectory, "domain \(domain) is not in access group \(group)")
        }
        return member.handler
    }

    func mustCrossDomains() throws(DMAError) {
        guard !properties.capabilities.isDisjoint(with: [.interProcessDomain, .interOSDomain]) else {
            throw .invalid(
                "access groups: device \(id) has neither of the capabilities inter_process_domain and inter_os_domain")
        }
    }

    func mustBeInRange(_ group: AccessGroupID) throws(DMAError) {
        try mustCrossDomains()
        guard group >= 0, group < properties.accessGroupCount else {
            throw .invalid(
                properties.accessGroupCount == 0
                    ? "access group \(group): device \(id) has no access groups"
                    : "access group \(group): device \(id) has 0 to \(properties.accessGroupCount - 1)")
        }
    }
}
