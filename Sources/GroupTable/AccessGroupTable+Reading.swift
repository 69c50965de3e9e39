public import DMADev

/// Reading the contents of the table.
extension AccessGroupTable {
    /// Returns a group of which the device is a member.
    ///
    /// - Throws: `EINVAL` for a number out of range, `EACCES` for a group that the device is not in.
    public func group(_ id: AccessGroupID, for client: AccessGroupClient) throws(DMAError) -> AccessGroupInfo {
        info(id, try membership(id, client).group)
    }

    /// The groups that a device is in, by number.
    public func groups(of client: AccessGroupClient) -> [AccessGroupInfo] {
        allGroups { $0.seat(of: client) != nil }
    }

    /// A group: for the owner of the table. `nil` when no group has the number, or it is ending.
    public func group(_ id: AccessGroupID) -> AccessGroupInfo? {
        groups[id].flatMap { $0.isEnding ? nil : info(id, $0) }
    }

    /// The devices in a group, each with the handler of its membership; none when the group is ending.
    public func devices(in id: AccessGroupID) -> [(client: AccessGroupClient, handler: DomainHandler)] {
        groups[id]?.seats.flatMap { seat in seat.devices.map { ($0, seat.handler) } } ?? []
    }

    /// The handler of a device's membership in a group; `nil` when it is not in the group.
    public func handler(of client: AccessGroupClient, in id: AccessGroupID) -> DomainHandler? {
        guard let group = groups[id], let index = group.seat(of: client) else { return nil }
        return group.seats[index].handler
    }

    /// Every group, by number: for the owner of the table.
    public var allGroups: [AccessGroupInfo] { allGroups { _ in true } }

    private func allGroups(_ isMeant: (Group) -> Bool) -> [AccessGroupInfo] {
        groups.filter { !$0.value.isEnding && isMeant($0.value) }.sorted { $0.key < $1.key }.map(info)
    }

    private func info(_ id: AccessGroupID, _ group: Group) -> AccessGroupInfo {
        AccessGroupInfo(
            id: id, identity: group.identity, kind: group.kind,
            members: group.seats.indices.map { member(group, $0) })
    }

    private func member(_ group: Group, _ index: Int) -> AccessGroupMember {
        let seat = group.seats[index]
        return AccessGroupMember(
            domain: seat.domain, handler: seat.handler, isCreator: index == 0, processID: seat.processID,
            osDomain: seat.tenant.osDomain,
            devices: seat.devices.map(\.number).filter { $0 >= 0 }, windows: seat.windows.map(\.window))
    }
}
