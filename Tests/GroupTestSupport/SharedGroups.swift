package import CDMADev
package import DMADev
package import GroupTable
import LinuxSystem
import SystemPackage

/// A controller's access groups, all in one process: a table that several devices share, without engines.
package final class SharedGroups: Sendable {
    struct State {
        var table: AccessGroupTable
        var sinks: [AccessGroupClient: AccessGroupEventSink] = [:]
    }

    private let state: Locked<State>
    let limits: AccessGroupLimits
    let controllerID: UInt16

    /// Groups that begin empty.
    package init(limits: AccessGroupLimits = AccessGroupLimits(groupCount: 8), controllerID: UInt16 = 5) {
        self.limits = limits
        self.controllerID = controllerID
        // The tokens of a few groups lie in one page; where a process may not lock that, no controller can start.
        guard let table = try? AccessGroupTable(limits: limits) else { fatalError("a page cannot be locked") }
        state = Locked(State(table: table))
    }

    /// Uses the table, and sends what comes of it. Sinks are called under the lock, so that each hears in order; they
    /// never wait.
    package func use<R, Failure: Error>(_ body: (inout AccessGroupTable) throws(Failure) -> R) throws(Failure) -> R {
        try state.withLock { state throws(Failure) in
            defer {
                for delivery in state.table.takeDeliveries() { state.sinks[delivery.client]?(delivery.event) }
            }
            return try body(&state.table)
        }
    }

    func connect(_ client: AccessGroupClient, _ sink: @escaping AccessGroupEventSink) {
        state.withLock { $0.sinks[client] = sink }
    }

    /// A process dies, with all its devices.
    package func kill(process: UInt64) {
        let clients = state.withLock { $0.sinks.keys.filter { $0.process == process } }
        use { table in
            for client in clients { table.confirm(table.depart(client)) }
        }
        state.withLock { state in clients.forEach { state.sinks[$0] = nil } }
    }
}

/// A device of a process that shares groups; its data path does nothing but take what it is given.
package final class GroupDevice: DMADriver {
    /// What the device is.
    package let properties: DeviceProperties
    /// Whose it is.
    package let process: UInt64
    private let groups: SharedGroups
    private let state = Locked(State())

    private struct State {
        var id: Int16 = -1
        var held: [DomainHandler] = []
        var flags: [UInt64] = []
        var sink: AccessGroupEventSink?
    }

    /// A device of a process.
    package init(
        _ groups: SharedGroups, process: UInt64, capabilities: Capabilities = [.interProcessDomain]
    ) {
        self.groups = groups
        self.process = process
        properties = DeviceProperties(
            driver: "groups", capabilities: capabilities.union([.mem2mem, .copy, .fill]),
            maximumVirtualChannelCount: 4, maximumDescriptorCount: 64, minimumDescriptorCount: 1,
            maximumEntryCount: 4, accessGroupCount: groups.limits.groupCount, controllerID: groups.controllerID,
            domainClass: .one)
    }

    /// What the table knows the device as.
    package var client: AccessGroupClient {
        let id = state.withLock { $0.id }
        return AccessGroupClient(
            process: process, device: process << 16 | UInt64(UInt16(bitPattern: id)), number: id,
            processID: Int32(process), userID: 0)
    }

    /// The flags of the operations so far.
    package var takenFlags: [UInt64] { state.withLock { $0.flags } }

    /// An event as from a controller, whatever the table says.
    package func receive(_ event: AccessGroupEvent) { state.withLock { $0.sink }?(event) }

    // MARK: Access groups

    package func registered(as id: Int16) { state.withLock { $0.id = id } }

    package func deliverEvents(to sink: @escaping AccessGroupEventSink) {
        state.withLock { $0.sink = sink }
        groups.connect(client, sink)
    }

    package func createAccessGroup(
        _ kind: AccessGroupKind, domain: DomainID, token: AccessToken
    ) throws(DMAError) -> AccessGroupEntry {
        try groups.use { table throws(DMAError) in
            let group = try table.create(kind, domain: domain, token: token, by: client)
            return try entry(of: group, in: table)
        }
    }

    package func joinAccessGroup(
        _ group: AccessGroupID, domain: DomainID, token: AccessToken
    ) throws(DMAError) -> AccessGroupEntry {
        try groups.use { table throws(DMAError) in
            _ = try table.join(group, domain: domain, token: token, by: client, at: .now)
            return try entry(of: group, in: table)
        }
    }

    private func entry(of group: AccessGroupID, in table: AccessGroupTable) throws(DMAError) -> AccessGroupEntry {
        AccessGroupEntry(
            group: group, identity: try table.group(group, for: client).identity,
            handler: table.handler(of: client, in: group) ?? 0)
    }

    package func leaveAccessGroup(_ group: AccessGroupID) throws(DMAError) {
        try groups.use { table throws(DMAError) in table.confirm(try table.leave(group, by: client)) }
    }

    package func destroyAccessGroup(_ group: AccessGroupID) throws(DMAError) {
        try groups.use { table throws(DMAError) in table.confirm(try table.destroy(group, by: client)) }
    }

    package func accessGroup(_ group: AccessGroupID) throws(DMAError) -> AccessGroupInfo {
        try groups.use { table throws(DMAError) in try table.group(group, for: client) }
    }

    package var accessGroups: [AccessGroupInfo] { groups.use { $0.groups(of: client) } }

    package func hasLiveHandler(_ handler: DomainHandler) -> Bool { groups.use { $0.mayUse(handler, client) } }

    package func registerWindow(
        _ memory: WindowMemory, rights: WindowRights, in group: AccessGroupID
    ) throws(DMAError) -> DomainWindow {
        try groups.use { table throws(DMAError) in
            try table.addWindow(length: memory.length, rights: rights, to: group, by: client)
        }
    }

    package func unregisterWindow(iova: UInt64) throws(DMAError) {
        try groups.use { table throws(DMAError) in table.confirm(try table.removeWindow(iova: iova, by: client)) }
    }

    // MARK: Life

    package func configure(_ configuration: DeviceConfiguration) throws(DMAError) { releaseHandlers() }

    package func setUpVirtualChannel(_ vchan: UInt16, _ configuration: VirtualChannelConfiguration) throws(DMAError) {
        for handler in [configuration.domain.sourceHandler, configuration.domain.destinationHandler]
        where groups.use({ $0.hold(handler, by: client) }) {
            state.withLock { $0.held.append(handler) }
        }
    }

    package func start(_ path: inout dmadev_data_path) throws(DMAError) {
        path.driver = Unmanaged.passUnretained(self).toOpaque()
        path.copy = { driver, _, _, _, _, flags in device(driver).take(flags) }
        path.fill = { driver, _, _, _, _, flags in device(driver).take(flags) }
    }

    package func stop() throws(DMAError) {}

    package func close() throws(DMAError) {
        releaseHandlers()
        groups.use { $0.confirm($0.depart(client)) }
    }

    package func counters(of vchan: UInt16) -> ChannelCounters? { nil }
    package func status(of vchan: UInt16) -> VirtualChannelStatus { .idle }
    package func ringUse(of vchan: UInt16) -> RingUse? { nil }

    private func take(_ flags: UInt64) -> Int32 {
        state.withLock { state in
            state.flags.append(flags)
            return Int32(state.flags.count - 1)
        }
    }

    private func releaseHandlers() {
        let held = state.withLock { state in
            defer { state.held = [] }
            return state.held
        }
        groups.use { table in
            for handler in held { table.release(handler) }
        }
    }
}

private func device(_ driver: UnsafeMutableRawPointer?) -> GroupDevice {
    // Set at the start, and the device keeps the driver.
    Unmanaged<GroupDevice>.fromOpaque(driver.unsafelyUnwrapped).takeUnretainedValue()
}
