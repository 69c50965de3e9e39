internal import CDMATrace
internal import SystemPackage

/// Access groups of several domains. Any thread may call; a device's control calls wait for each other.
///
/// All calls throw `EINVAL` when the device was closed, has neither of the inter-domain capabilities, or has no such
/// group number (0 to `accessGroupCount` less 1), and `ENOTSUP` when its driver has no access groups.
extension DMADevice {
    /// Makes a group and becomes its first member; `rte_dma_access_group_create`.
    ///
    /// - Parameters:
    ///   - domain: who the caller is.
    ///   - token: what joiners will have to show; hand it to them, with the group's number, by a way of your own.
    ///   - limit: most members, 2 at least, the creator included.
    /// - Returns: the group's number.
    /// - Throws: `EINVAL` for the limit, `ENOSPC` when there are as many groups as there may be.
    public func createAccessGroup(
        domain: DomainID, token: AccessToken, limit: UInt16 = 64
    ) throws(DMAError) -> AccessGroupID {
        var group: AccessGroupID = -1
        try controlling("access_group_create") { ret in
            guard dmatrace_dmadev_access_group_create_enabled() else { return }
            dmatrace_dmadev_access_group_create(id, domain.bytes, limit, group, ret)
        } _: { () throws(DMAError) in
            guard limit >= 2 else {
                throw .invalid("a limit of \(limit) members: a group holds 2 at least, its creator and a joiner")
            }
            try mustCrossDomains()
            group = try driver.createAccessGroup(.group(limit: limit), domain: domain, token: token)
        }
        return group
    }

    /// Joins a group, of either kind; `rte_dma_access_group_join`. A second device of a process that is in the group with
    /// the same domain shares its membership.
    ///
    /// - Returns: the caller's handler.
    /// - Throws: `EACCES` when the token is wrong or there is no such group, which is not told apart; `EEXIST` when
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
            try mustKnow(group)
            handler = try driver.joinAccessGroup(group, domain: domain, token: token)
        }
        return handler
    }

    /// Leaves a group; `rte_dma_access_group_leave`. When it returns, nobody reaches the caller's windows of this group
    /// any more; the handler is dead, the others hear of it, and no event of the group is delivered to this device.
    ///
    /// - Throws: `EPERM` for the group's creator, which destroys it; `EACCES` for a group that the device is not in.
    public func leaveAccessGroup(_ group: AccessGroupID) throws(DMAError) {
        try controlling("access_group_leave") { ret in
            dmatrace_dmadev_access_group_leave(id, group, ret)
        } _: { () throws(DMAError) in
            try mustKnow(group)
            try driver.leaveAccessGroup(group)
        }
        delivery.forget(group)
    }

    /// Ends a group that nobody else is in; `rte_dma_access_group_destroy`.
    ///
    /// - Throws: `EPERM` for others than the creator, `EBUSY` while others are in it, `EACCES` for a group that the device
    ///   is not in.
    public func destroyAccessGroup(_ group: AccessGroupID) throws(DMAError) {
        try controlling("access_group_destroy") { ret in
            dmatrace_dmadev_access_group_destroy(id, group, ret)
        } _: { () throws(DMAError) in
            try mustKnow(group)
            try driver.destroyAccessGroup(group)
        }
        delivery.forget(group)
    }

    /// How many domains are in a group, creator included; `rte_dma_access_group_size_get`.
    ///
    /// - Throws: `EACCES` for a group that the device is not in.
    public func accessGroupSize(_ group: AccessGroupID) throws(DMAError) -> Int {
        var size = 0
        try asking("access_group_size_get") { ret in
            dmatrace_dmadev_access_group_size_get(id, group, UInt16(size), ret)
        } _: { () throws(DMAError) in
            try mustKnow(group)
            size = try driver.accessGroup(group).members.count
        }
        return size
    }

    /// Who is in a group, in the order of joining; `rte_dma_access_group_get`, whose table has of each member the handler
    /// in the low 16 bits of a word and 0 in the rest.
    ///
    /// - Throws: `EACCES` for a group that the device is not in.
    public func accessGroupTable(_ group: AccessGroupID) throws(DMAError) -> [AccessGroupMember] {
        var members: [AccessGroupMember] = []
        try asking("access_group_get") { ret in
            guard dmatrace_dmadev_access_group_get_enabled() else { return }
            dmatrace_dmadev_access_group_get(
                id, group, members.map(\.handler), members.flatMap(\.domain.bytes), UInt16(members.count), ret)
        } _: { () throws(DMAError) in
            try mustKnow(group)
            members = try driver.accessGroup(group).members
        }
        return members
    }

    /// The handler of a domain in a group; what `rte_dma_access_pair_group_handler_get` is for pair groups.
    ///
    /// - Throws: `ENOENT` when the domain is not in the group, `EACCES` for a group that the device is not in.
    public func accessGroupHandler(of domain: DomainID, in group: AccessGroupID) throws(DMAError) -> DomainHandler {
        var handler: DomainHandler = 0
        try asking("access_group_handler_get") { ret in
            guard dmatrace_dmadev_access_group_handler_get_enabled() else { return }
            dmatrace_dmadev_access_group_handler_get(id, group, domain.bytes, handler, ret)
        } _: { () throws(DMAError) in
            handler = try findHandler(of: domain, in: group)
        }
        return handler
    }

    /// The groups that the device knows of, as last heard: for those who look from outside. Never waits for a control
    /// call; leaves no event.
    public var accessGroups: [AccessGroupInfo] { driver.accessGroups }

    // MARK: Inside

    func findHandler(of domain: DomainID, in group: AccessGroupID) throws(DMAError) -> DomainHandler {
        try mustKnow(group)
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

    func mustKnow(_ group: AccessGroupID) throws(DMAError) {
        try mustCrossDomains()
        guard group >= 0, group < properties.accessGroupCount else {
            throw .invalid(
                properties.accessGroupCount == 0
                    ? "access group \(group): device \(id) has none"
                    : "access group \(group): device \(id) has 0 to \(properties.accessGroupCount - 1)")
        }
    }
}
