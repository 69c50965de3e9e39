internal import CDMATrace
internal import Glibc
internal import LinuxSystem
internal import Synchronization
internal import SystemPackage

/// The devices of a process, by number and by name.
///
/// Every call may come from any thread. A device that is found stays usable while it is held, also when it is closed
/// meanwhile: its calls then fail.
public final class DeviceRegistry: Sendable {
    /// The registry of the process: the one that the C API speaks of.
    public static let shared = DeviceRegistry()

    private let state: Locked<State>
    private let failures = History<FailedCall>()
    private let events = History<ReceivedGroupEvent>()
    private let changes = ControlChanges()

    private struct State {
        var maximumDeviceCount: Int
        var slots: [DMADevice?] = []
    }

    /// An empty registry.
    ///
    /// - Parameter maximumDeviceCount: 1 to 32,767; DPDK's default is 64.
    public init(maximumDeviceCount: Int = 64) {
        dmatrace_load()
        state = Locked(State(maximumDeviceCount: min(max(maximumDeviceCount, 1), Int(Int16.max))))
    }

    /// Sets how many devices there may be; `rte_dma_dev_max`.
    ///
    /// - Throws: `EINVAL` for 0 or more than 32,767, and once a device was added.
    public func setMaximumDeviceCount(_ count: Int) throws(DMAError) {
        let error: DMAError? = state.withLock { state in
            guard (1...Int(Int16.max)).contains(count) else {
                return .invalid("\(count) devices: 1 to \(Int16.max) are possible")
            }
            guard state.slots.isEmpty else {
                return .invalid("the number of devices is fixed once a device was added")
            }
            state.maximumDeviceCount = count
            return nil
        }
        dmatrace_dmadev_dev_max(UInt64(max(count, 0)), error.map { -$0.errno.rawValue } ?? 0)
        if let error { throw error }
    }

    /// Adds a device with the lowest free number; what a driver does with `rte_dma_pmd_allocate`.
    ///
    /// - Parameter name: 1 to 63 bytes, not in use.
    /// - Throws: `EINVAL` for the name, `EEXIST` when it is taken, `ENOSPC` when there are too many devices.
    @discardableResult
    public func add(_ driver: any DMADriver, named name: String) throws(DMAError) -> DMADevice {
        guard (1...63).contains(name.utf8.count) else {
            throw .invalid("a device's name has 1 to 63 bytes, this one has \(name.utf8.count)")
        }
        let result: Result<DMADevice, DMAError> = state.withLock { state in
            guard !state.slots.contains(where: { $0?.name == name }) else {
                return .failure(DMAError(.exists, .fileExists, "there is a device '\(name)' already"))
            }
            let slot = state.slots.firstIndex { $0 == nil } ?? state.slots.count
            guard slot < state.maximumDeviceCount else {
                return .failure(
                    DMAError(.exhausted, .noSpace, "there are \(state.maximumDeviceCount) devices, the most allowed"))
            }
            let device = DMADevice(
                id: Int16(slot), name: name, driver: driver, failures: failures, events: events, changes: changes
            ) { [weak self] in self?.remove($0) }
            if slot == state.slots.count { state.slots.append(device) } else { state.slots[slot] = device }
            return .success(device)
        }
        let device = try result.get()
        changes.note()
        dmatrace_dmadev_device_added(device.id, name, device.properties.driver)
        return device
    }

    /// The device with a number.
    ///
    /// - Throws: `EINVAL` when there is none.
    public func device(_ id: Int16) throws(DMAError) -> DMADevice {
        guard let device = find(id) else {
            throw DMAError(.noDevice, .invalidArgument, "there is no device \(id)")
        }
        return device
    }

    /// The device with a name; `rte_dma_get_dev_id_by_name`.
    ///
    /// - Throws: `EINVAL` when there is none.
    public func device(named name: String) throws(DMAError) -> DMADevice {
        let found = state.withLock { state in state.slots.lazy.compactMap { $0 }.first { $0.name == name } }
        dmatrace_dmadev_get_dev_id_by_name(name, found.map { Int32($0.id) } ?? -EINVAL)
        guard let found else {
            throw DMAError(.noDevice, .invalidArgument, "there is no device '\(name)'")
        }
        return found
    }

    /// Whether there is a device with this number; `rte_dma_is_valid`.
    public func isValid(_ id: Int16) -> Bool {
        let valid = find(id) != nil
        dmatrace_dmadev_is_valid(id, valid)
        return valid
    }

    /// How many devices there are; `rte_dma_count_avail`.
    public var count: Int {
        let count = devices.count
        dmatrace_dmadev_count_avail(UInt16(count))
        return count
    }

    /// The lowest number of a device from `id` on; `rte_dma_next_dev`.
    public func next(from id: Int16) -> Int16? {
        let next = state.withLock { state in
            id < 0 ? nil : state.slots.dropFirst(Int(id)).lazy.compactMap { $0?.id }.first
        }
        dmatrace_dmadev_next_dev(id, next ?? -1)
        return next
    }

    /// All devices, by number.
    public var devices: [DMADevice] {
        state.withLock { $0.slots.compactMap { $0 } }
    }

    /// A number that grows when a control call has changed a device or the devices there are: what was read under one
    /// number, but for counters, states and use of rings, is good as long as the number is the same.
    public var generation: UInt64 { changes.generation }

    /// The last calls of these devices that failed, the newest first; a full ring is no failure.
    ///
    /// - Parameter count: at most 256 are kept.
    public func failedCalls(last count: Int = 256) -> [FailedCall] {
        failures.last(count)
    }

    /// The last events of these devices' access groups, the newest first.
    ///
    /// - Parameter count: at most 256 are kept.
    public func accessGroupEvents(last count: Int = 256) -> [ReceivedGroupEvent] {
        events.last(count)
    }

    private func find(_ id: Int16) -> DMADevice? {
        state.withLock { state in
            id >= 0 && Int(id) < state.slots.count ? state.slots[Int(id)] : nil
        }
    }

    private func remove(_ device: DMADevice) {
        state.withLock { $0.slots[Int(device.id)] = nil }
        changes.note()
        dmatrace_dmadev_device_removed(device.id, device.name)
    }
}

/// Counts what control calls have changed.
final class ControlChanges: Sendable {
    private let count = Atomic<UInt64>(0)

    var generation: UInt64 { count.load(ordering: .acquiring) }

    /// Called when the change is visible.
    func note() { count.wrappingAdd(1, ordering: .releasing) }
}
