public import DMADev
internal import SystemPackage

/// Windows, and the check which devices can use a handler. The engine decides which memory an operation can access:
/// `DomainMap`.
extension AccessGroupTable {
    /// The first address of windows. No process has an address with bit 63 set and bit 62 clear, on any supported
    /// machine. Each address is assigned only once, so that an old address gives no access.
    static let firstIOVA: UInt64 = 1 << 63
    private static let lastIOVA: UInt64 = 1 << 63 | 1 << 62
    /// Windows begin at multiples of this number of bytes, with a gap of at least this size between them.
    static let windowAlignment: UInt64 = 4096

    /// Makes memory of one member accessible to all members of a group.
    ///
    /// - Parameters:
    ///   - length: the length in bytes, at least 1.
    ///   - rights: the rights of the other members.
    ///   - id: the group.
    ///   - client: the owner's device.
    /// - Returns: the window, with a new range of addresses.
    /// - Throws: `EINVAL` for a number out of range, a length of 0 or no right, `EACCES` for a group that the
    ///   device is not in, `ENOSPC` when a quota or the addresses are used up.
    public mutating func addWindow(
        length: UInt64, rights: WindowRights, to id: AccessGroupID, by client: AccessGroupClient
    ) throws(DMAError) -> DomainWindow {
        let (group, index) = try membership(id, client)
        guard length > 0, !rights.isEmpty, rights.isSubset(of: [.read, .write]) else {
            throw DMAError(
                .invalidArgument, .invalidArgument, "a window needs at least 1 byte, and read or write rights")
        }
        let owned = groups.values.reduce(0) { sum, group in
            group.seats.reduce(sum) { $0 + ($1.tenant == client.tenant ? $1.windows.count : 0) }
        }
        guard owned < limits.windowsPerTenant else {
            throw .exhausted("\(client.tenant) has \(owned) windows, the maximum")
        }
        guard length <= Self.lastIOVA - nextIOVA else { throw .exhausted("too few addresses are left for windows") }
        let window = DomainWindow(
            handler: group.seats[index].handler, iova: nextIOVA, length: length, rights: rights)
        let taken = (length + Self.windowAlignment - 1) / Self.windowAlignment + 1
        nextIOVA = min(nextIOVA + taken * Self.windowAlignment, Self.lastIOVA)
        groups[id]?.seats[index].windows.append(Window(window: window, owner: client))
        groupOfWindow[window.iova] = id
        let event = event(.windowOpened, of: group.seats[index], in: id, window: window)
        record(event)
        send(event, to: group.clients.filter { $0 != client }, after: nil)
        return window
    }

    /// Removes a window.
    ///
    /// - Returns: the revocation to carry out and confirm before the owner receives the answer.
    /// - Throws: `EINVAL` when the device has no such window.
    public mutating func removeWindow(iova: UInt64, by client: AccessGroupClient) throws(DMAError) -> Revocation {
        if let id = groupOfWindow[iova], let group = groups[id], let index = group.seat(of: client),
            let place = group.seats[index].windows.firstIndex(where: { $0.window.iova == iova && $0.owner == client }),
            let window = groups[id]?.seats[index].windows.remove(at: place).window
        {
            groupOfWindow[iova] = nil
            var revocation = newRevocation()
            revocation.groups.append(id)
            revocation.windows.append(window)
            let event = event(.windowClosed, of: group.seats[index], in: id, window: window)
            record(event)
            send(event, to: group.clients.filter { $0 != client }, after: revocation.number)
            return revocation
        }
        throw DMAError(
            .invalidArgument, .invalidArgument, "the device has no window at address 0x\(String(iova, radix: 16))")
    }

    /// Whether a device can use a handler: the device is in the group whose live member has the handler.
    public func mayUse(_ handler: DomainHandler, _ client: AccessGroupClient) -> Bool {
        guard let id = groupOfHandler[handler] else { return false }
        return groups[id]?.seat(of: client) != nil
    }
}
