internal import SystemPackage

/// What a driver without access groups need not write.
extension DMADriver {
    /// There are no events.
    public func deliverEvents(to sink: @escaping AccessGroupEventSink) {}

    /// Refused with `ENOTSUP`.
    public func createAccessGroup(
        _ kind: AccessGroupKind, domain: DomainID, token: AccessToken
    ) throws(DMAError) -> AccessGroupID {
        throw withoutAccessGroups
    }

    /// Refused with `ENOTSUP`.
    public func joinAccessGroup(
        _ group: AccessGroupID, domain: DomainID, token: AccessToken
    ) throws(DMAError) -> DomainHandler {
        throw withoutAccessGroups
    }

    /// Refused with `ENOTSUP`.
    public func leaveAccessGroup(_ group: AccessGroupID) throws(DMAError) { throw withoutAccessGroups }

    /// Refused with `ENOTSUP`.
    public func destroyAccessGroup(_ group: AccessGroupID) throws(DMAError) { throw withoutAccessGroups }

    /// Refused with `ENOTSUP`.
    public func accessGroup(_ group: AccessGroupID) throws(DMAError) -> AccessGroupInfo { throw withoutAccessGroups }

    /// There are none.
    public var accessGroups: [AccessGroupInfo] { [] }

    /// There is none.
    public func hasLiveHandler(_ handler: DomainHandler) -> Bool { false }

    /// Refused with `ENOTSUP`.
    public func registerWindow(
        _ memory: WindowMemory, rights: WindowRights, in group: AccessGroupID
    ) throws(DMAError) -> DomainWindow {
        throw withoutAccessGroups
    }

    /// Refused with `ENOTSUP`.
    public func unregisterWindow(iova: UInt64) throws(DMAError) { throw withoutAccessGroups }

    private var withoutAccessGroups: DMAError {
        DMAError(.notSupported, .notSupported, "the \(properties.driver) driver has no access groups")
    }
}
