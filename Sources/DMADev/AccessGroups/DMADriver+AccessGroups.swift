internal import SystemPackage

/// Defaults for drivers without access groups.
extension DMADriver {
    /// Does nothing: there are no events.
    public func deliverEvents(to sink: @escaping AccessGroupEventSink) {}

    /// Throws `ENOTSUP`.
    public func createAccessGroup(
        _ kind: AccessGroupKind, domain: DomainID, token: AccessToken
    ) throws(DMAError) -> AccessGroupEntry {
        throw withoutAccessGroups
    }

    /// Throws `ENOTSUP`.
    public func joinAccessGroup(
        _ group: AccessGroupID, domain: DomainID, token: AccessToken
    ) throws(DMAError) -> AccessGroupEntry {
        throw withoutAccessGroups
    }

    /// Throws `ENOTSUP`.
    public func leaveAccessGroup(_ group: AccessGroupID) throws(DMAError) { throw withoutAccessGroups }

    /// Throws `ENOTSUP`.
    public func destroyAccessGroup(_ group: AccessGroupID) throws(DMAError) { throw withoutAccessGroups }

    /// Throws `ENOTSUP`.
    public func accessGroup(_ group: AccessGroupID) throws(DMAError) -> AccessGroupInfo { throw withoutAccessGroups }

    /// Always empty.
    public var accessGroups: [AccessGroupInfo] { [] }

    /// Always false.
    public func hasLiveHandler(_ handler: DomainHandler) -> Bool { false }

    /// Throws `ENOTSUP`.
    public func registerWindow(
        _ memory: WindowMemory, rights: WindowRights, in group: AccessGroupID
    ) throws(DMAError) -> DomainWindow {
        throw withoutAccessGroups
    }

    /// Throws `ENOTSUP`.
    public func unregisterWindow(iova: UInt64) throws(DMAError) { throw withoutAccessGroups }

    private var withoutAccessGroups: DMAError {
        DMAError(.notSupported, .notSupported, "the \(properties.driver) driver does not support access groups")
    }
}
