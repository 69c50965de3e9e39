public import DMADev
internal import SystemPackage

/// Windows, and the check which devices can use a handler. The engine decides which memory an operation can access:
/// `DomainMap`.
extension AccessGroupTable {
    /// The addresses of windows. No process has an address with bit 63 set and bit 62 clear, on any supported machine.
    /// Each process has all of them, and gets each only once: its old addresses give no access, and no other process can
    /// use them up. Windows of two members can have the same address: they are told apart by the handler.
    private static let addressRange: Range<UInt64> = 1 << 63..<(1 << 63 | 1 << 62)

    /// A window, by its owner.
    struct WindowKey: Hashable {
        let process: UInt64
        let iova: UInt64
    }

    /// Makes memory of one member accessible to all members of a group.
    ///
    /// - Parameters:
    ///   - length: the length in bytes, at least 1.
    ///   - rights: the rights of the other members.
    ///   - id: the group.
    ///   - client: the owner's device.
    /// - Returns: the window, with a new range of addresses.
    /// - Throws: `EINVAL` for a number out of range, a length of 0 or no right, `EACCES` for a group that the
    ///   device is not in, `ENOSPC` when a quota or the addresses of the process are used up.
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
        let process = client.process
        guard
            let iova = addresses[process, default: AddressCounter(Self.addressRange, owner: process)].take(length)
        else {
            throw .exhausted(
                "process \(client.processID) has used up its addresses for windows, which are not assigned again: close "
                    + "all its devices, and add them again")
        }
        let window = DomainWindow(handler: group.seats[index].handler, iova: iova, length: length, rights: rights)
        groups[id]?.seats[index].windows.append(Window(window: window, owner: client))
        groupOfWindow[WindowKey(process: process, iova: iova)] = id
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
        let key = WindowKey(process: client.process, iova: iova)
        if let id = groupOfWindow[key], let group = groups[id], let index = group.seat(of: client),
            let place = group.seats[index].windows.firstIndex(where: { $0.window.iova == iova && $0.owner == client }),
            let window = groups[id]?.seats[index].windows.remove(at: place).window
        {
            groupOfWindow[key] = nil
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

    /// Forgets which addresses a process has used. Call it when the last device of the process has departed, and its
    /// number is never used again.
    public mutating func forget(process: UInt64) { addresses[process] = nil }

    /// Whether a device can use a handler: the device is in the group whose live member has the handler.
    public func mayUse(_ handler: DomainHandler, _ client: AccessGroupClient) -> Bool {
        guard let id = groupOfHandler[handler] else { return false }
        return groups[id]?.seat(of: client) != nil
    }
}
