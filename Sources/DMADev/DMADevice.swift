internal import CDMADev
internal import CDMATrace
internal import Synchronization
internal import SystemPackage

/// One DMA device: a hardware channel, or a software device.
///
/// Its life: configure, set up each virtual channel, start; then data moves through ``virtualChannel(_:)``; stop, and
/// configure anew or close. Control calls may come from any thread and wait for each other; what only reads never waits
/// for a control call. No control call but `statistics`, `info`, `dump` and the status may run beside a data call of
/// the same device.
public final class DMADevice: @unchecked Sendable {
    // `table` is the one member that is not safe by its type: control calls, which exclude each other, write it, and the
    // data path reads it under the rule above. It lives as long as the device.
    /// The device's number, from 0.
    public let id: Int16
    /// The device's name, unique in its registry.
    public let name: String
    /// What the driver says of the device.
    public let properties: DeviceProperties

    let driver: any DMADriver
    let state = Mutex(State())
    private let control = Mutex(())
    private let table: UnsafeMutablePointer<dmadev_data_path>
    private let onClose: @Sendable (DMADevice) -> Void

    /// What control calls have made of the device.
    struct State {
        var isClosed = false
        var isStarted = false
        var configuration: DeviceConfiguration?
        /// Set-up channels by number; as many as configured.
        var channels: [VirtualChannelConfiguration?] = []
        /// Counters at the last reset; of every channel that ever was.
        var baselines: [Statistics] = []
    }

    init(id: Int16, name: String, driver: any DMADriver, onClose: @escaping @Sendable (DMADevice) -> Void) {
        self.id = id
        self.name = name
        self.driver = driver
        self.onClose = onClose
        properties = driver.properties
        table = .allocate(capacity: 1)
        table.initialize(to: .nothing(id))
        driver.registered(as: id)
    }

    deinit {
        table.deallocate()
    }

    var dataPath: DataPath { DataPath(table) }

    // MARK: Life

    /// Sets the number of channels, priority and modes; `rte_dma_configure`. Channels that were set up are gone.
    ///
    /// - Throws: `EBUSY` when the device is started, `EINVAL` for what the device does not take.
    public func configure(_ configuration: DeviceConfiguration) throws(DMAError) {
        try controlling { (ret: Int32) in
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

    /// Makes a channel ready; `rte_dma_vchan_setup`. Setting it up again replaces it.
    ///
    /// - Parameter vchan: 0 to the configured number less 1.
    /// - Throws: `EBUSY` when the device is started, `EINVAL` for what the device does not take.
    public func setUpVirtualChannel(
        _ vchan: UInt16, configuration: VirtualChannelConfiguration
    ) throws(DMAError) {
        try controlling { (ret: Int32) in
            configuration.trace(id, vchan, ret)
        } _: { () throws(DMAError) in
            try mustBeStopped("set up")
            try configuration.validate()
            try configuration.validate(vchan, of: state.withLock { $0.configuration }, for: properties)
            try driver.setUpVirtualChannel(vchan, configuration)
            state.withLock { $0.channels[Int(vchan)] = configuration }
        }
    }

    /// Starts the device; `rte_dma_start`. A started device stays as it is.
    ///
    /// - Throws: `EINVAL` before every configured channel is set up.
    public func start() throws(DMAError) {
        try controlling { (ret: Int32) in
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
            var path = dmadev_data_path.nothing(id)
            try driver.start(&path)
            path.max_sges = properties.maximumEntryCount
            path.nb_vchans = UInt16(now.channels.count)
            if properties.capabilities.contains(.autoFree) {
                path.refused_flags &= ~OperationFlags.autoFree.rawValue
            }
            table.pointee = path
            state.withLock { $0.isStarted = true }
        }
    }

    /// Stops the device; `rte_dma_stop`. The running operation finishes, queued ones are aborted and counted, those
    /// that were not rung vanish. A stopped device stays as it is.
    public func stop() throws(DMAError) {
        try controlling { (ret: Int32) in
            dmatrace_dmadev_stop(id, ret)
        } _: { () throws(DMAError) in
            guard state.withLock({ $0.isStarted }) else { return }
            table.pointee = .nothing(id)
            try driver.stop()
            state.withLock { $0.isStarted = false }
        }
    }

    /// Closes the device and takes it out of the registry; `rte_dma_close`. Every later call fails.
    ///
    /// - Throws: `EBUSY` when the device is started.
    public func close() throws(DMAError) {
        try controlling { (ret: Int32) in
            dmatrace_dmadev_close(id, ret)
        } _: { () throws(DMAError) in
            try mustBeStopped("closed")
            try driver.close()
            state.withLock { $0.isClosed = true }
            onClose(self)
        }
    }

    // MARK: Data

    /// The data path of a channel; for one thread at a time. It stays good over stops and starts.
    ///
    /// - Throws: `EINVAL` when the channel is not configured.
    public func virtualChannel(_ vchan: UInt16) throws(DMAError) -> VirtualChannel {
        try mustHave(vchan)
        return VirtualChannel(self, index: vchan)
    }

    // MARK: Inside

    /// Runs a control call: alone, on a device that is not closed, and traced with its result whatever that is.
    private func controlling<R>(
        _ trace: (Int32) -> Void, _ body: () throws(DMAError) -> R
    ) throws(DMAError) -> R {
        try traced(trace) { () throws(DMAError) in
            // The lock guards nothing but the order of calls; state has a lock of its own, held for moments only.
            try control.withLock { _ throws(DMAError) in
                try mustBeOpen()
                return try body()
            }
        }
    }

    /// Runs a call and traces its result.
    func traced<R>(_ trace: (Int32) -> Void, _ body: () throws(DMAError) -> R) throws(DMAError) -> R {
        do {
            let value = try body()
            trace(0)
            return value
        } catch {
            trace(-error.errno.rawValue)
            throw error
        }
    }

    func mustBeOpen() throws(DMAError) {
        guard state.withLock({ !$0.isClosed }) else {
            throw DMAError(.noDevice, .invalidArgument, "device \(id), '\(name)', was closed")
        }
    }

    func mustHave(_ vchan: UInt16) throws(DMAError) {
        let count = state.withLock { $0.channels.count }
        guard Int(vchan) < count else {
            throw DMAError(
                .invalidArgument, .invalidArgument,
                count == 0
                    ? "device \(id) is not configured"
                    : "device \(id) has no virtual channel \(vchan): it has \(count), from 0")
        }
    }

    private func mustBeStopped(_ what: String) throws(DMAError) {
        guard state.withLock({ !$0.isStarted }) else {
            throw DMAError(.started, .resourceBusy, "device \(id) is started: stop it before it is \(what)")
        }
    }
}
