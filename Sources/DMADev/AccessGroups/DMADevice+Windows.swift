internal import CDMATrace
internal import SystemPackage

/// Windows: memory that the members of a group may access. The rules of ``createAccessGroup(domain:token:limit:)`` for
/// errors and threads apply.
extension DMADevice {
    /// Opens a window: the members of a group may access the caller's memory.
    ///
    /// - Parameters:
    ///   - memory: at least 1 byte; drivers may require whole pages, and a file that is sealed against shrinking.
    ///   - rights: the rights of the other members; at least one.
    ///   - group: a group that the device is a member of.
    /// - Returns: the window, with its address for transfers.
    /// - Throws: `EINVAL` for a range that is empty or wraps, for no right or an undefined one; `EEXIST` when it
    ///   overlaps another window of the device; `ENOSPC` at the maximum number of windows; `EACCES` if the device is
    ///   not a member.
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
                throw .invalid("a range of \(memory.length) bytes: a window has at least 1 byte and must not wrap")
            }
            guard !rights.isEmpty, WindowRights.defined.isSuperset(of: rights) else {
                throw .invalid("rights \(rights.rawValue): allowed are read (1), write (2) or both")
            }
            try mustBeInRange(group)
            window = try driver.registerWindow(memory, rights: rights, in: group)
        }
        return window
    }

    /// Closes a window. When it returns, no engine accesses the memory for other members.
    ///
    /// - Parameter iova: the window's first address.
    /// - Throws: `EINVAL` when no window of the device starts there.
    public func unregisterWindow(iova: UInt64) throws(DMAError) {
        try controlling("access_group_window_unregister") { ret in
            dmatrace_dmadev_access_group_window_unregister(id, iova, ret)
        } _: { () throws(DMAError) in
            try mustCrossDomains()
            try driver.unregisterWindow(iova: iova)
        }
    }

    /// The windows of all members of a group, including the caller's, grouped by member.
    ///
    /// - Throws: `EACCES` if the device is not a member.
    public func accessGroupWindows(_ group: AccessGroupID) throws(DMAError) -> [DomainWindow] {
        var windows: [DomainWindow] = []
        try querying("access_group_windows_get") { ret in
            guard dmatrace_dmadev_access_group_windows_get_enabled() else { return }
            dmatrace_dmadev_access_group_windows_get(
                id, group, windows.map(\.iova), windows.map(\.length), windows.map(\.handler), UInt32(windows.count),
                ret)
        } _: { () throws(DMAError) in
            try mustBeInRange(group)
            windows = try driver.accessGroup(group).members.flatMap(\.windows)
        }
        return windows
    }
}
