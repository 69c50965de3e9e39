internal import CDMATrace
internal import LinuxSystem
internal import Synchronization
internal import SystemPackage

/// The devices of a process, by number and by name.
///
/// Any thread may call. A returned device is safe to use as long as a reference exists; after it is closed, its calls
/// fail.
public final class DeviceRegistry: Sendable {
    /// The registry of the process; the C API uses this one.
    public static let shared = DeviceRegistry()

    private let state: Locked<State>
    private let failedControlCalls: FailedCallLog
    /// The events of the access groups that devices of the registry have received.
    public let groupEvents = GroupEventLog()
    /// The external memory of the process.
    public let memory: MemoryTable
    /// The attachments of importers to exporters' buffers, those of the registry's devices included.
    public let attachments: AttachmentTable
    private let changes: ControlChanges

    private struct State {
        var maximumDeviceCount: Int
        var slots: [DMADevice?] = []
    }

    /// Loads the trace object if it is installed.
    ///
    /// - Parameter maximumDeviceCount: 1 to 32,767; DPDK's default is 64.
    /// - Parameter maximumRegionCount: of external memory; 1 at least.
    public init(maximumDeviceCount: Int = 64, maximumRegionCount: Int = MemoryTable.defaultRegionCount) {
        dmatrace_load()
        failedControlCalls = FailedCallLog()
        changes = ControlChanges()
        memory = MemoryTable(
            maximumRegionCount: maximumRegionCount, failedCalls: failedControlCalls, changes: changes)
        attachments = AttachmentTable(failedCalls: failedControlCalls)
        state = Locked(State(maximumDeviceCount: min(max(maximumDeviceCount, 1), Int(Int16.max))))
    }

    /// Sets the maximum number of devices; `rte_dma_dev_max`.
    ///
    /// - Throws: `EINVAL` for 0 or more than 32,767, and after the first device was added.
    public func setMaximumDeviceCount(_ count: Int) throws(DMAError) {
        try failedControlCalls.tracing("dev_max", of: -1) { ret in
            dmatrace_dmadev_dev_max(UInt64(max(count, 0)), ret)
        } _: { () throws(DMAError) in
            try state.withLock { state throws(DMAError) in
                guard (1...Int(Int16.max)).contains(count) else {
                    throw .invalid("\(count) devices: 1 to \(Int16.max) are allowed")
                }
                guard state.slots.isEmpty else {
                    throw .invalid("the maximum number of devices cannot change after the first device was added")
                }
                state.maximumDeviceCount = count
            }
        }
    }

    /// Adds a device; corresponds to `rte_dma_pmd_allocate`.
    ///
    /// - Parameter name: 1 to 63 bytes, not in use.
    /// - Parameter number: the device's number, from 0; `nil`: the lowest free one.
    /// - Parameter driver: the registry keeps it until the device is closed.
    /// - Throws: `EINVAL` for an invalid name, `EEXIST` when it or the number is in use, `ENOSPC` at the maximum number of
    ///   devices, `ENOMEM`.
    @discardableResult
    public func add(
        _ driver: any DMADriver, named name: String, id number: Int16? = nil
    ) throws(DMAError) -> DMADevice {
        var id: Int16 = -1
        let device = try failedControlCalls.tracing("device_added", of: -1) { ret in
            dmatrace_dmadev_device_added(id, name, driver.properties.driver, ret)
        } _: { () throws(DMAError) in
            guard (1...63).contains(name.utf8.count) else {
                throw .invalid("a device's name has 1 to 63 bytes, this one has \(name.utf8.count)")
            }
            let device = try state.withLock { state throws(DMAError) in
                try makeDevice(driver, name, number, &state)
            }
            id = device.id
            changes.increment()
            return device
        }
        return device
    }

    private func makeDevice(
        _ driver: any DMADriver, _ name: String, _ number: Int16?, _ state: inout State
    ) throws(DMAError) -> DMADevice {
        guard !state.slots.contains(where: { $0?.name == name }) else {
            throw DMAError(.exists, .fileExists, "a device '\(name)' exists already")
        }
        let slot = number.map(Int.init) ?? state.slots.firstIndex { $0 == nil } ?? state.slots.count
        guard slot >= 0 else { throw .invalid("a device's number is 0 at least, this one is \(slot)") }
        guard slot >= state.slots.count || state.slots[slot] == nil else {
            throw DMAError(.exists, .fileExists, "a device \(slot) exists already")
        }
        guard slot < state.maximumDeviceCount else {
            throw DMAError(.exhausted, .noSpace, "\(state.maximumDeviceCount) devices exist, which is the maximum")
        }
        let device = try DMADevice(
            id: Int16(slot), name: name, driver: driver, failedCalls: failedControlCalls, events: groupEvents,
            attachments: attachments, changes: changes
        ) { [weak self] in self?.remove($0) }
        state.slots += Array(repeating: nil, count: max(0, slot + 1 - state.slots.count))
        state.slots[slot] = device
        return device
    }

    /// Looks up a device by number.
    ///
    /// - Throws: `EINVAL` when there is none.
    public func device(_ id: Int16) throws(DMAError) -> DMADevice {
        try failedControlCalls.tracing("device_lookup", of: id) { ret in
            dmatrace_dmadev_device_lookup(id, ret)
        } _: { () throws(DMAError) in
            try find(id)
        }
    }

    /// Looks up a device by name; `rte_dma_get_dev_id_by_name`.
    ///
    /// - Throws: `EINVAL` when there is none.
    public func device(named name: String) throws(DMAError) -> DMADevice {
        var id: Int32 = 0
        return try failedControlCalls.tracing("get_dev_id_by_name", of: -1) { ret in
            dmatrace_dmadev_get_dev_id_by_name(name, ret < 0 ? ret : id)
        } _: { () throws(DMAError) in
            let found = state.withLock { state in state.slots.lazy.compactMap { $0 }.first { $0.name == name } }
            guard let found else {
                throw DMAError(.noDevice, .invalidArgument, "there is no device '\(name)'")
            }
            id = Int32(found.id)
            return found
        }
    }

    /// Whether a device with this number exists; `rte_dma_is_valid`.
    public func isValid(_ id: Int16) -> Bool {
        let valid = (try? find(id)) != nil
        dmatrace_dmadev_is_valid(id, valid)
        return valid
    }

    /// The number of devices; `rte_dma_count_avail`.
    public var count: Int {
        devices.count
    }

    /// The lowest device number that is at least `id`; `rte_dma_next_dev`.
    public func next(from id: Int16) -> Int16? {
        let next = state.withLock { state in
            id < 0 ? nil : state.slots.dropFirst(Int(id)).lazy.compactMap { $0?.id }.first
        }
        dmatrace_dmadev_next_dev(id, next ?? -1)
        return next
    }

    /// All devices, in the order of their numbers; `rte_dma_count_avail` and `RTE_DMA_FOREACH_DEV` in one call.
    public var devices: [DMADevice] {
        let all = state.withLock { $0.slots.compactMap { $0 } }
        dmatrace_dmadev_count_avail(UInt16(all.count))
        return all
    }

    // MARK: For telemetry and displays

    /// All devices, in the order of their numbers. Nothing is traced or recorded.
    public var views: [DeviceView] {
        state.withLock { $0.slots.compactMap { $0?.view } }
    }

    /// Looks up a device by number. Nothing is traced or recorded.
    ///
    /// - Throws: `EINVAL` when there is none.
    public func view(of id: Int16) throws(DMAError) -> DeviceView { try find(id).view }

    /// Increases when a control call has changed a device or the set of devices. Values read, other than counters,
    /// states and ring use, stay valid while this number is the same.
    public var generation: UInt64 { changes.generation }

    /// The failed calls of these devices, one entry for each kind, the kind that failed last first. A full ring is not a
    /// failure.
    ///
    /// - Parameter count: the maximum number of entries. Of the kinds of control calls, and of the data calls of closed
    ///   devices, the last 256 are kept.
    public func failedCalls(last count: Int = 256) -> [FailedCall] {
        let data = state.withLock { $0.slots.compactMap { $0 } }.flatMap { $0.failures.entries(of: $0.id) }
        return Array((data + failedControlCalls.entries).sorted { $0.last > $1.last }.prefix(max(count, 0)))
    }

    /// The number of failed calls of these devices, closed ones included.
    public var failedCallCount: UInt64 {
        // Both under one lock: a close moves counts from one to the other.
        state.withLock { state in
            state.slots.reduce(failedControlCalls.count) { $0 + ($1?.failures.count ?? 0) }
        }
    }

    private func find(_ id: Int16) throws(DMAError) -> DMADevice {
        let found = state.withLock { state in
            id >= 0 && Int(id) < state.slots.count ? state.slots[Int(id)] : nil
        }
        guard let found else {
            throw DMAError(.noDevice, .invalidArgument, "there is no device \(id)")
        }
        return found
    }

    private func remove(_ device: DMADevice) {
        state.withLock { state in
            state.slots[Int(device.id)] = nil
            failedControlCalls.append(device.failures, of: device.id)
        }
        changes.increment()
        dmatrace_dmadev_device_removed(device.id, device.name)
    }
}

/// Counts changes made by control calls.
final class ControlChanges: Sendable {
    private let count = Atomic<UInt64>(0)

    var generation: UInt64 { count.load(ordering: .acquiring) }

    /// Call it after the change is visible.
    func increment() { count.wrappingAdd(1, ordering: .releasing) }
}
