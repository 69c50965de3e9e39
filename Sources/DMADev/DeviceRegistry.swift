internal import CDMATrace
internal import Glibc
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
    private let failures = History<FailedCall>()
    /// The events of the access groups that devices of the registry have received.
    public let groupEvents = GroupEventLog()
    private let changes = ControlChanges()

    private struct State {
        var maximumDeviceCount: Int
        var slots: [DMADevice?] = []
    }

    /// Loads the trace object if it is installed.
    ///
    /// - Parameter maximumDeviceCount: 1 to 32,767; DPDK's default is 64.
    public init(maximumDeviceCount: Int = 64) {
        dmatrace_load()
        state = Locked(State(maximumDeviceCount: min(max(maximumDeviceCount, 1), Int(Int16.max))))
    }

    /// Sets the maximum number of devices; `rte_dma_dev_max`.
    ///
    /// - Throws: `EINVAL` for 0 or more than 32,767, and after the first device was added.
    public func setMaximumDeviceCount(_ count: Int) throws(DMAError) {
        let error: DMAError? = state.withLock { state in
            guard (1...Int(Int16.max)).contains(count) else {
                return .invalid("\(count) devices: 1 to \(Int16.max) are allowed")
            }
            guard state.slots.isEmpty else {
                return .invalid("the maximum number of devices cannot change after the first device was added")
            }
            state.maximumDeviceCount = count
            return nil
        }
        dmatrace_dmadev_dev_max(UInt64(max(count, 0)), error.map { -$0.errno.rawValue } ?? 0)
        if let error { throw error }
    }

    /// Adds a device with the lowest free number; corresponds to `rte_dma_pmd_allocate`.
    ///
    /// - Parameter name: 1 to 63 bytes, not in use.
    /// - Parameter driver: the registry keeps it until the device is closed.
    /// - Throws: `EINVAL` for an invalid name, `EEXIST` when it is in use, `ENOSPC` at the maximum number of devices.
    @discardableResult
    public func add(_ driver: any DMADriver, named name: String) throws(DMAError) -> DMADevice {
        guard (1...63).contains(name.utf8.count) else {
            throw .invalid("a device's name has 1 to 63 bytes, this one has \(name.utf8.count)")
        }
        let result: Result<DMADevice, DMAError> = state.withLock { state in
            guard !state.slots.contains(where: { $0?.name == name }) else {
                return .failure(DMAError(.exists, .fileExists, "a device '\(name)' exists already"))
            }
            let slot = state.slots.firstIndex { $0 == nil } ?? state.slots.count
            guard slot < state.maximumDeviceCount else {
                return .failure(
                    DMAError(.exhausted, .noSpace, "\(state.maximumDeviceCount) devices exist, which is the maximum"))
            }
            let device = DMADevice(
                id: Int16(slot), name: name, driver: driver, failures: failures, events: groupEvents, changes: changes
            ) { [weak self] in self?.remove($0) }
            if slot == state.slots.count { state.slots.append(device) } else { state.slots[slot] = device }
            return .success(device)
        }
        let device = try result.get()
        changes.increment()
        dmatrace_dmadev_device_added(device.id, name, device.properties.driver)
        return device
    }

    /// Looks up a device by number.
    ///
    /// - Throws: `EINVAL` when there is none.
    public func device(_ id: Int16) throws(DMAError) -> DMADevice {
        guard let device = find(id) else {
            throw DMAError(.noDevice, .invalidArgument, "there is no device \(id)")
        }
        return device
    }

    /// Looks up a device by name; `rte_dma_get_dev_id_by_name`.
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

    /// Whether a device with this number exists; `rte_dma_is_valid`.
    public func isValid(_ id: Int16) -> Bool {
        let valid = find(id) != nil
        dmatrace_dmadev_is_valid(id, valid)
        return valid
    }

    /// The number of devices; `rte_dma_count_avail`.
    public var count: Int {
        let count = devices.count
        dmatrace_dmadev_count_avail(UInt16(count))
        return count
    }

    /// The lowest device number that is at least `id`; `rte_dma_next_dev`.
    public func next(from id: Int16) -> Int16? {
        let next = state.withLock { state in
            id < 0 ? nil : state.slots.dropFirst(Int(id)).lazy.compactMap { $0?.id }.first
        }
        dmatrace_dmadev_next_dev(id, next ?? -1)
        return next
    }

    /// All devices, in the order of their numbers.
    public var devices: [DMADevice] {
        state.withLock { $0.slots.compactMap { $0 } }
    }

    /// Increases when a control call has changed a device or the set of devices. Values read, other than counters,
    /// states and ring use, stay valid while this number is the same.
    public var generation: UInt64 { changes.generation }

    /// The last failed calls of these devices, newest first; a full ring is not recorded.
    ///
    /// - Parameter count: up to 256; older entries are dropped.
    public func failedCalls(last count: Int = 256) -> [FailedCall] {
        failures.last(count)
    }

    private func find(_ id: Int16) -> DMADevice? {
        state.withLock { state in
            id >= 0 && Int(id) < state.slots.count ? state.slots[Int(id)] : nil
        }
    }

    private func remove(_ device: DMADevice) {
        state.withLock { $0.slots[Int(device.id)] = nil }
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
