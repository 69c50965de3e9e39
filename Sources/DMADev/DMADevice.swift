internal import CDMADev
internal import CDMATrace
internal import LinuxSystem
internal import Synchronization
internal import SystemPackage

/// One DMA device: a hardware channel, or a software device.
///
/// Life cycle: configure, set up each virtual channel, start; data moves through ``virtualChannel(_:)``; stop, then
/// configure again or close. Any thread may make control calls; calls of one device wait for each other. Read-only
/// calls never wait for a control call. While a data call of a device runs, only `statistics`, `info`, `dump` and the
/// status may be called on that device.
public final class DMADevice: @unchecked Sendable {
    // `table` is the only member that is not safe by its type: control calls, which exclude each other, write it, and
    // the data path reads it under the rule above. It is freed with the device.
    /// The device's number, from 0.
    public let id: Int16
    /// The device's name, unique in its registry.
    public let name: String
    /// The constant properties that the driver reported.
    public let properties: DeviceProperties

    /// Another one for each device that this process ever has; ``id`` and address are used again.
    let serial = DMADevice.serials.wrappingAdd(1, ordering: .relaxed).newValue
    private static let serials = Atomic<UInt64>(0)

    let driver: any DMADriver
    let state = Locked(State())
    let delivery = EventDelivery()
    private let control = Locked(())
    private let table: UnsafeMutablePointer<dmadev_data_path>
    private let failedCalls: FailedCallLog
    /// Counts failed data calls.
    let failures: DataCallFailures
    private let changes: ControlChanges
    let attachments: AttachmentTable
    private let onClose: @Sendable (DMADevice) -> Void

    /// The state that control calls set.
    struct State {
        var isClosed = false
        var isStarted = false
        var configuration: DeviceConfiguration?
        /// By channel number, as many as configured; `nil`: not set up.
        var channels: [VirtualChannelConfiguration?] = []
        /// The regions that are mapped, and how.
        var regions: [RegionMapping] = []
        /// Counters at the last reset, of every channel that was ever configured.
        var baselines: [Statistics] = []
    }

    init(
        id: Int16, name: String, driver: any DMADriver, failedCalls: FailedCallLog,
        events: GroupEventLog, attachments: AttachmentTable, changes: ControlChanges,
        onClose: @escaping @Sendable (DMADevice) -> Void
    ) throws(DMAError) {
        self.failedCalls = failedCalls
        self.changes = changes
        self.attachments = attachments
        self.id = id
        self.name = name
        self.driver = driver
        self.onClose = onClose
        properties = driver.properties
        // Before the allocation below, which only the deinitializer frees.
        failures = try DataCallFailures(maximumChannelCount: properties.maximumVirtualChannelCount)
        table = .allocateOnOwnCacheLines(capacity: 1)
        table.initialize(to: .nothing(id, failures))
        driver.registered(as: id)
        // The driver keeps the sink, and the device keeps the driver: the sink must not keep the device.
        driver.deliverEvents { [delivery] event in
            event.traceReceived(by: id)
            events.record(event, device: id)
            delivery.post(event, from: id)
        }
    }

    deinit {
        delivery.end(waiting: false)
        table.deallocate()
    }

    var dataPath: DataPath { DataPath(table) }

    /// The first argument of the call layer's functions in cdmadev.h for this device. Valid as long as the object.
    public var callLayerArgument: UnsafeMutableRawPointer { UnsafeMutableRawPointer(table) }

    // MARK: Life

    /// Sets the number of channels, priority and modes; `rte_dma_configure`. Removes the set-up of all channels.
    ///
    /// - Throws: `EBUSY` when the device is started, `EINVAL` for values that the device does not support.
    public func configure(_ configuration: DeviceConfiguration) throws(DMAError) {
        try controlling("configure") { (ret: Int32) in
            dmatrace_dmadev_configure(
                id, configuration.virtualChannelCount, configuration.priority, configuration.flags.rawValue, ret)
        } _: { () throws(DMAError) in
            try mustBeStopped("configured")
            try configuration.validate(for: properties)
            try driver.configure(configuration)
            state.withLock { state in
                state.configuration = configuration
                let count = Int(configuration.virtualChannelCount)
                state.channels = Array(repeating: nil, count: count)
                state.baselines += Array(repeating: Statistics(), count: max(0, count - state.baselines.count))
            }
        }
    }

    /// Sets up a channel; `rte_dma_vchan_setup`. A second call replaces the first.
    ///
    /// - Parameter vchan: 0 to the configured number of channels minus 1.
    /// - Parameter configuration: validated against the device's properties.
    /// - Throws: `EBUSY` when the device is started, `EINVAL` for values that the device does not support.
    public func setUpVirtualChannel(
        _ vchan: UInt16, configuration: VirtualChannelConfiguration
    ) throws(DMAError) {
        try controlling("vchan_setup") { (ret: Int32) in
            configuration.trace(id, vchan, ret)
        } _: { () throws(DMAError) in
            try mustBeStopped("set up")
            try configuration.validate()
            try configuration.validate(vchan, of: state.withLock { $0.configuration }, for: properties)
            try configuration.domain.validateHandlers { driver.hasLiveHandler($0) }
            try driver.setUpVirtualChannel(vchan, configuration)
            state.withLock { $0.channels[Int(vchan)] = configuration }
        }
    }

    /// Starts the device; `rte_dma_start`. Does nothing if it is started.
    ///
    /// - Throws: `EINVAL` before every configured channel is set up.
    public func start() throws(DMAError) {
        try controlling("start") { (ret: Int32) in
            dmatrace_dmadev_start(id, ret)
        } _: { () throws(DMAError) in
            let now = state.withLock { $0 }
            if now.isStarted { return }
            guard now.configuration != nil else {
                throw DMAError(.notConfigured, .invalidArgument, "device \(id) is not configured")
            }
            if let missing = now.channels.firstIndex(of: nil) {
                throw DMAError(
                    .notConfigured, .invalidArgument, "virtual channel \(missing) of device \(id) is not set up")
            }
            var path = dmadev_data_path.nothing(id, failures)
            try driver.start(&path)
            path.max_sges = properties.maximumEntryCount
            path.nb_vchans = UInt16(now.channels.count)
            if properties.capabilities.contains(.autoFree) {
                path.refused_flags &= ~OperationFlags.autoFree.rawValue
            }
            path.domain_flags = UInt16(truncatingIfNeeded: properties.capabilities.domainFlags)
            path.mode &= UInt16(DMADEV_MODE_OBSERVED)
            path.mode |= UInt16(truncatingIfNeeded: now.configuration?.flags.rawValue ?? 0)
            table.pointee = path
            state.withLock { $0.isStarted = true }
        }
    }

    /// Stops the device; `rte_dma_stop`. The running operation finishes, queued ones are aborted and counted,
    /// operations whose doorbell was not rung are dropped. Does nothing if the device is stopped.
    public func stop() throws(DMAError) {
        try controlling("stop") { (ret: Int32) in
            dmatrace_dmadev_stop(id, ret)
        } _: { () throws(DMAError) in
            guard state.withLock({ $0.isStarted }) else { return }
            table.pointee = .nothing(id, failures)
            try driver.stop()
            state.withLock { $0.isStarted = false }
        }
    }

    /// Closes the device and removes it from the registry; `rte_dma_close`. Every later call fails. When it returns,
    /// the device has left its access groups and no callback runs, except one that made this call.
    ///
    /// - Throws: `EBUSY` when the device is started.
    public func close() throws(DMAError) {
        try controlling("close") { (ret: Int32) in
            dmatrace_dmadev_close(id, ret)
        } _: { () throws(DMAError) in
            try mustBeStopped("closed")
            try driver.close()
            let mappings = state.withLock { state in
                state.isClosed = true
                defer { state.regions = [] }
                return state.regions
            }
            for mapping in mappings { mapping.region.endUse(mapping.token) }
            table.pointee.mode = UInt16(DMADEV_MODE_CLOSED)
            onClose(self)
        }
        // After the control lock is released: a callback may be waiting for it.
        delivery.end(waiting: true)
    }

    // MARK: Memory

    /// Maps memory of the process for the device; `rte_dev_dma_map`.
    ///
    /// A device with SVA reaches all memory at its virtual address: nothing is mapped, and the address is returned.
    ///
    /// - Parameters:
    ///   - iova: the address for the device; `nil`: the device chooses one.
    ///   - memory: 1 byte at least.
    /// - Returns: the IOVA.
    /// - Throws: `EINVAL` for a range that is empty or wraps, or, with SVA, for an `iova` that is not the address;
    ///   `EEXIST` when the range overlaps mapped memory.
    public func mapMemory(_ memory: UnsafeMutableRawBufferPointer, iova: UInt64? = nil) throws(DMAError) -> UInt64 {
        let address = UInt64(UInt(bitPattern: memory.baseAddress))
        var chosen = iova ?? 0
        try controlling("dma_map") { (ret: Int32) in
            dmatrace_dmadev_dma_map(id, address, UInt64(memory.count), chosen, ret)
        } _: { () throws(DMAError) in
            guard memory.count > 0, !(iova ?? 0).addingReportingOverflow(UInt64(memory.count)).overflow else {
                throw .invalid("a range of \(memory.count) bytes: a mapping has at least 1 byte and must not wrap")
            }
            guard !properties.capabilities.contains(.sva) else {
                guard iova == nil || iova == address else {
                    throw .invalid("iova: the device has SVA, so it must equal the virtual address")
                }
                chosen = address
                return
            }
            chosen = try driver.mapMemory(address, byteCount: UInt64(memory.count), iova: iova)
        }
        return chosen
    }

    /// Ends ``mapMemory(_:iova:)-(UnsafeMutableRawBufferPointer,_)``; `rte_dev_dma_unmap`. When it returns, the device no
    /// longer accesses the memory; operations on it fail.
    ///
    /// - Throws: `EINVAL` when no mapping starts there, or that of a region does.
    public func unmapMemory(iova: UInt64) throws(DMAError) {
        try controlling("dma_unmap") { (ret: Int32) in
            dmatrace_dmadev_dma_unmap(id, iova, ret)
        } _: { () throws(DMAError) in
            if let mapping = state.withLock({ $0.regions.first { $0.contains(iova) } }),
                !properties.capabilities.contains(.sva)
            {
                throw .invalid(
                    "IOVA 0x\(String(iova, radix: 16)) is of the mapped \(mapping.region): pass the region instead")
            }
            if !properties.capabilities.contains(.sva) { try driver.unmapMemory(iova: iova) }
        }
    }

    // MARK: Data

    /// The data path of a channel; for one thread at a time. It stays valid over stops and starts.
    ///
    /// - Throws: `EINVAL` when the channel is not configured.
    public func virtualChannel(_ vchan: UInt16) throws(DMAError) -> VirtualChannel {
        try traced("vchan_lookup") { ret in
            dmatrace_dmadev_vchan_lookup(id, vchan, ret)
        } _: { () throws(DMAError) in
            try view.mustHave(vchan)
        }
        return VirtualChannel(self, index: vchan)
    }

    /// For telemetry and displays: reads that are no calls of the application.
    public var view: DeviceView { DeviceView(self) }

    // MARK: Inside

    /// Runs a control call exclusively, on a device that is not closed, and traces its result, errors included.
    func controlling<R>(
        _ call: String, _ trace: (Int32) -> Void, _ body: () throws(DMAError) -> R
    ) throws(DMAError) -> R {
        try querying(call, trace) { () throws(DMAError) in
            let value = try body()
            changes.increment()
            return value
        }
    }

    /// Runs a control call that changes nothing.
    func querying<R>(_ call: String, _ trace: (Int32) -> Void, _ body: () throws(DMAError) -> R) throws(DMAError) -> R {
        try traced(call, trace) { () throws(DMAError) in
            // The lock only orders the calls; `state` has its own lock, which is held briefly.
            try control.withLock { _ throws(DMAError) in
                try view.mustBeOpen()
                return try body()
            }
        }
    }

    /// Runs a driver call of an attachment exclusively with the control calls, also on a closed device.
    ///
    /// - Parameter timeout: the longest time to wait for a control call that runs; `nil`: no limit.
    func exclusively<R>(within timeout: Duration?, _ body: () throws(DMAError) -> R) throws(DMAError) -> R {
        guard let timeout else { return try control.withLock { _ throws(DMAError) in try body() } }
        let value = try control.withLock(within: timeout) { _ throws(DMAError) in try body() }
        guard let value else {
            throw DMAError(.timedOut, .timedOut, "device \(id): a control call did not end in \(timeout)")
        }
        return value
    }

    /// Runs a call, traces its result, and records its failure.
    func traced<R>(_ call: String, _ trace: (Int32) -> Void, _ body: () throws(DMAError) -> R) throws(DMAError) -> R {
        try failedCalls.tracing(call, of: id, trace, body)
    }

    private func mustBeStopped(_ what: String) throws(DMAError) {
        guard state.withLock({ !$0.isStarted }) else {
            throw DMAError(.started, .resourceBusy, "device \(id) is started: stop it before it is \(what)")
        }
    }
}
