public import DMADev
internal import SystemPackage

/// Windows, and who may name their owners. What an operation reaches is the engine's to decide: `DomainMap`.
extension AccessGroupTable {
    /// Where the addresses of windows begin: with bit 63 set and bit 62 clear no process can have such an address, on no
    /// machine that this runs on. They are given out once and never again, so that an old one reaches nothing.
    static let firstIOVA: UInt64 = 1 << 63
    private static let lastIOVA: UInt64 = 1 << 63 | 1 << 62
    /// Windows begin at multiples of this, and at least this much between them belongs to none.
    static let windowAlignment: UInt64 = 4096

    /// Lets the members of a group reach memory of one of them.
    ///
    /// - Parameters:
    ///   - length: bytes, 1 at least.
    ///   - rights: what the others may do.
    ///   - id: the group.
    ///   - client: the owner's device.
    /// - Returns: the window, with addresses of its own.
    /// - Throws: `EINVAL` for a number beyond the table, a length of 0 or no right, `EACCES` for a group that the device
    ///   is not in, `ENOSPC` when a quota or the addresses are used up.
    public mutating func addWindow(
        length: UInt64, rights: WindowRights, to id: AccessGroupID, by client: AccessGroupClient
    ) throws(DMAError) -> DomainWindow {
        let (group, index) = try membership(id, client)
        guard length > 0, !rights.isEmpty, rights.isSubset(of: [.read, .write]) else {
            throw DMAError(
                .invalidArgument, .invalidArgument, "a window has 1 byte at least, and the rights read, write or both")
        }
        let owned = groups.values.flatMap(\.seats).filter { $0.userID == client.userID }.map(\.windows.count)
        guard owned.reduce(0, +) < limits.windowsPerUser else {
            throw .exhausted("user \(client.userID) has \(owned.reduce(0, +)) windows, the most allowed")
        }
        guard length <= Self.lastIOVA - nextIOVA else { throw .exhausted("no addresses are left for windows") }
        let window = DomainWindow(
            handler: group.seats[index].handler, iova: nextIOVA, length: length, rights: rights)
        let taken = (length + Self.windowAlignment - 1) / Self.windowAlignment + 1
        nextIOVA = min(nextIOVA + taken * Self.windowAlignment, Self.lastIOVA)
        groups[id]?.seats[index].windows.append(window)
        traceAdded(id, window)
        return window
    }

    /// Takes a window away.
    ///
    /// - Returns: what has to be revoked and confirmed before the owner hears that it is done.
    /// - Throws: `EINVAL` when the client's process has no such window with this device.
    public mutating func removeWindow(iova: UInt64, by client: AccessGroupClient) throws(DMAError) -> Revocation {
        for id in groups.keys.sorted() {
            guard let index = groups[id]?.seat(of: client),
                let place = groups[id]?.seats[index].windows.firstIndex(where: { $0.iova == iova }),
                let window = groups[id]?.seats[index].windows.remove(at: place)
            else { continue }
            var revocation = newRevocation()
            revocation.windows.append(window)
            traceRemoved(id, window)
            return revocation
        }
        throw DMAError(.invalidArgument, .invalidArgument, "the device has no window at \(String(iova, radix: 16))")
    }

    /// Whether a device may name a handler: it is in the group whose live member has it.
    public func mayUse(_ handler: DomainHandler, _ client: AccessGroupClient) -> Bool {
        guard let id = groupOfHandler[handler] else { return false }
        return groups[id]?.seat(of: client) != nil
    }
}
