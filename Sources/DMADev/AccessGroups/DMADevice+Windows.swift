internal import CDMATrace
internal import SystemPackage

/// Windows: memory that the members of a group may reach. What ``createAccessGroup(domain:token:limit:)`` says of errors
/// and threads holds here.
extension DMADevice {
    /// Lets the members of a group reach memory of the caller's.
    ///
    /// - Parameters:
    ///   - memory: 1 byte at least; drivers may ask for whole pages, and for a file that is sealed against shrinking.
    ///   - rights: what the others may do with it; one at least.
    ///   - group: a group that the device is in.
    /// - Returns: the window, with the address that transfers are to name.
    /// - Throws: `EINVAL` for a range that is empty or wraps, for no right or an undefined one; `EEXIST` where it meets
    ///   another window of the device; `ENOSPC` when there are too many; `EACCES` for a group that the device is not in.
    public func registerWindow(
        _ memory: WindowMemory, rights: WindowRights, in group: AccessGroupID
    ) throws(DMAError) -> DomainWindow {
        var window = DomainWindow(handler: 0, iova: 0, length: memory.length, rights: rights)
        try controlling("access_group_window_register") { ret in
            dmatrace_dmadev_access_group_window_register(
                id, group, memory.address, memory.length, rights.rawValue, window.handler, window.iova, ret)
        } _: { () throws(DMAError) in
            guard memory.length > 0, !memory.address.addingReportingOverflow(memory.length).overflow,
                !memory.offset.addingReportingOverflow(memory.length).overflow
            else {
                throw .invalid("a range of \(memory.length) bytes: a window has 1 byte at least and does not wrap")
            }
            guard !rights.isEmpty, WindowRights.defined.isSuperset(of: rights) else {
                throw .invalid("rights \(rights.rawValue): read (1), write (2) or both")
            }
            try mustKnow(group)
            window = try driver.registerWindow(memory, rights: rights, in: group)
        }
        return window
    }

    /// Takes a window away. When it returns, nobody reaches the memory any more.
    ///
    /// - Parameter iova: the window's first address.
    /// - Throws: `EINVAL` when the device has no such window.
    public func unregisterWindow(iova: UInt64) throws(DMAError) {
        try controlling("access_group_window_unregister") { ret in
            dmatrace_dmadev_access_group_window_unregister(id, iova, ret)
        } _: { () throws(DMAError) in
            try mustCrossDomains()
            try driver.unregisterWindow(iova: iova)
        }
    }

    /// The windows of all members of a group, the caller's own too, by member.
    ///
    /// - Throws: `EACCES` for a group that the device is not in.
    public func accessGroupWindows(_ group: AccessGroupID) throws(DMAError) -> [DomainWindow] {
        var windows: [DomainWindow] = []
        try asking("access_group_windows_get") { ret in
            guard dmatrace_dmadev_access_group_windows_get_enabled() else { return }
            dmatrace_dmadev_access_group_windows_get(
                id, group, windows.map(\.iova), windows.map(\.length), windows.map(\.handler), UInt32(windows.count),
                ret)
        } _: { () throws(DMAError) in
            try mustKnow(group)
            windows = try driver.accessGroup(group).members.flatMap(\.windows)
        }
        return windows
    }
}
