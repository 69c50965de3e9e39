internal import CDMATrace

/// Access groups of two domains: like ``createAccessGroup(domain:token:limit:)`` with a limit of 2, plus a callback per
/// group. The same rules for errors and threads apply.
extension DMADevice {
    /// Creates a pair group; the caller becomes its first member; `rte_dma_access_pair_group_create`.
    ///
    /// - Parameters:
    ///   - domain: the caller's domain.
    ///   - token: required to join.
    ///   - callback: called when a domain joins or leaves this group, and when the group ends. The C callback is not
    ///     called for *joined*.
    /// - Returns: the group's number.
    /// - Throws: `ENOSPC` when all group numbers are in use.
    public func createAccessPairGroup(
        domain: DomainID, token: AccessToken, callback: AccessGroupCallback? = nil
    ) throws(DMAError) -> AccessGroupID {
        var group: AccessGroupID = -1
        try controlling("access_pair_group_create") { ret in
            guard dmatrace_dmadev_access_pair_group_create_enabled() else { return }
            dmatrace_dmadev_access_pair_group_create(id, domain.bytes, group, ret)
        } _: { () throws(DMAError) in
            try mustCrossDomains()
            try delivery.holding { () throws(DMAError) in
                let entry = try driver.createAccessGroup(.pair, domain: domain, token: token)
                try registerCallback(of: entry, callback) { () throws(DMAError) in
                    try driver.destroyAccessGroup(entry.group)
                }
                group = entry.group
            }
        }
        return group
    }

    /// Joins a group; `rte_dma_access_pair_group_join`.
    ///
    /// - Parameters:
    ///   - group: the group's number.
    ///   - domain: the caller's domain.
    ///   - token: the group's token.
    ///   - callback: called when a domain joins or leaves this group until the caller leaves, and when the group ends.
    /// - Returns: the caller's handler.
    /// - Throws: as ``joinAccessGroup(_:domain:token:)``.
    @discardableResult
    public func joinAccessPairGroup(
        _ group: AccessGroupID, domain: DomainID, token: AccessToken, callback: AccessGroupCallback? = nil
    ) throws(DMAError) -> DomainHandler {
        var handler: DomainHandler = 0
        try controlling("access_pair_group_join") { ret in
            guard dmatrace_dmadev_access_pair_group_join_enabled() else { return }
            dmatrace_dmadev_access_pair_group_join(id, group, domain.bytes, handler, ret)
        } _: { () throws(DMAError) in
            try mustBeInRange(group)
            try delivery.holding { () throws(DMAError) in
                let entry = try driver.joinAccessGroup(group, domain: domain, token: token)
                try registerCallback(of: entry, callback) { () throws(DMAError) in try driver.leaveAccessGroup(group) }
                handler = entry.handler
            }
        }
        return handler
    }

    /// Leaves a pair group; `rte_dma_access_pair_group_leave`. The same as ``leaveAccessGroup(_:)``; when it returns,
    /// the group's callback does not run, unless the callback made this call.
    public func leaveAccessPairGroup(_ group: AccessGroupID) throws(DMAError) {
        try exiting(group, "access_pair_group_leave") { ret in
            dmatrace_dmadev_access_pair_group_leave(id, group, ret)
        } _: { () throws(DMAError) in
            try driver.leaveAccessGroup(group)
        }
    }

    /// Destroys a pair group without other member; `rte_dma_access_pair_group_destroy`. The same as
    /// ``destroyAccessGroup(_:)``.
    public func destroyAccessPairGroup(_ group: AccessGroupID) throws(DMAError) {
        try exiting(group, "access_pair_group_destroy") { ret in
            dmatrace_dmadev_access_pair_group_destroy(id, group, ret)
        } _: { () throws(DMAError) in
            try driver.destroyAccessGroup(group)
        }
    }

    /// The handler of a domain in a pair group; `rte_dma_access_pair_group_handler_get`.
    ///
    /// - Throws: `ENOENT` when the domain is not in the group, `EACCES` if the device is not a member.
    public func accessPairGroupHandler(of domain: DomainID, in group: AccessGroupID) throws(DMAError) -> DomainHandler {
        var handler: DomainHandler = 0
        try querying("access_pair_group_handler_get") { ret in
            guard dmatrace_dmadev_access_pair_group_handler_get_enabled() else { return }
            dmatrace_dmadev_access_pair_group_handler_get(id, group, domain.bytes, handler, ret)
        } _: { () throws(DMAError) in
            handler = try findHandler(of: domain, in: group)
        }
        return handler
    }

    /// Registers a pair group's callback; runs `undo` if that fails.
    private func registerCallback(
        of entry: AccessGroupEntry, _ callback: AccessGroupCallback?, orElse undo: () throws(DMAError) -> Void
    ) throws(DMAError) {
        guard let callback else { return }
        do {
            try delivery.register(callback, for: .group(entry.group, identity: entry.identity))
        } catch {
            try undo()
            throw error
        }
    }
}
