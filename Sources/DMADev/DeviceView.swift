internal import LinuxSystem
internal import SystemPackage

/// A device for telemetry and displays: reads are not traced, and what is refused is not one of the application's failed
/// calls. Any thread may use it at any time; no call waits for a control call.
public struct DeviceView: Sendable {
    private let device: DMADevice

    init(_ device: DMADevice) {
        self.device = device
    }

    /// The device's number.
    public var id: Int16 { device.id }
    /// The device's name.
    public var name: String { device.name }
    /// The constant properties that the driver reported.
    public var properties: DeviceProperties { device.properties }

    /// The device's properties and state.
    ///
    /// - Throws: `EINVAL` when the device was closed.
    public var info: DeviceInfo {
        get throws(DMAError) {
            try mustBeOpen()
            let (count, isStarted) = device.state.withLock { ($0.channels.count, $0.isStarted) }
            return DeviceInfo(
                name: name, properties: properties, virtualChannelCount: UInt16(count), isStarted: isStarted)
        }
    }

    /// The configurations of the device and its channels; `nil` before they are set.
    public var configuration: (device: DeviceConfiguration, channels: [VirtualChannelConfiguration?])? {
        device.state.withLock { state in state.configuration.map { ($0, state.channels) } }
    }

    /// The statistics of a channel, or of all, since the last reset.
    ///
    /// - Throws: `EINVAL` when the device was closed or the channel is not configured.
    public func statistics(of vchan: UInt16?) throws(DMAError) -> Statistics {
        try mustBeOpen()
        if let vchan { try mustHave(vchan) }
        // The counters are read under the lock that a reset holds: a reading is never older than its baseline.
        return device.state.withLock { state in
            let channels = vchan.map { Int($0)..<Int($0) + 1 } ?? state.channels.indices
            return channels.reduce(Statistics()) { sum, channel in
                sum + device.driver.statistics(of: UInt16(channel)).since(state.baselines[channel])
            }
        }
    }

    /// All counters of a channel since the device was created; they never decrease. `nil` when the channel was never
    /// set up.
    public func counters(of vchan: UInt16) -> ChannelCounters? {
        device.driver.counters(of: vchan)
    }

    /// Values that only devices of its driver have, by name.
    public func additionalCounters(of vchan: UInt16) -> [(name: String, value: UInt64)] {
        device.driver.additionalCounters(of: vchan)
    }

    /// The current occupancy of a channel's ring; `nil` while the device is stopped.
    public func ringUse(of vchan: UInt16) -> RingUse? {
        device.driver.ringUse(of: vchan)
    }

    /// The state of a channel.
    ///
    /// - Throws: `EINVAL` when the device was closed or the channel is not configured.
    public func status(of vchan: UInt16) throws(DMAError) -> VirtualChannelStatus {
        try mustBeOpen()
        try mustHave(vchan)
        return device.driver.status(of: vchan)
    }

    /// How far the operations of a channel have come.
    public func progress(of vchan: UInt16) -> ChannelProgress { device.driver.progress(of: vchan) }

    /// The engines of this process that serve the device; empty if it has none, or they are in another process.
    public var engines: [EngineReport] { device.driver.engines }

    /// The device's groups as last received.
    public var accessGroups: [AccessGroupInfo] { device.driver.accessGroups }

    /// A human-readable description of the device.
    ///
    /// - Throws: `EINVAL` when the device was closed.
    public func dump() throws(DMAError) -> String {
        try mustBeOpen()
        let now = device.state.withLock { $0 }
        let capabilities = properties.capabilities
        var lines = [
            "DMA Dev \(id), '\(name)' [\(now.isStarted ? "started" : "stopped")]",
            "  dev_capa: 0x\(String(capabilities.rawValue, radix: 16)) - \(capabilities.names.joined(separator: " "))",
            "  max_vchans_supported: \(properties.maximumVirtualChannelCount)",
            "  nb_vchans_configured: \(now.channels.count)",
            "  silent_mode: \(now.configuration?.flags.contains(.silent) == true ? "on" : "off")",
            "  ops_mode: \(now.configuration?.flags.contains(.enqueueDequeue) == true ? "on" : "off")",
            "  driver: \(properties.driver)",
        ]
        for channel in now.channels.indices { lines += dump(UInt16(channel), now.channels[channel]) }
        return lines.joined(separator: "\n") + "\n"
    }

    private func dump(_ vchan: UInt16, _ configuration: VirtualChannelConfiguration?) -> [String] {
        guard let configuration else { return ["  vchan \(vchan): not set up"] }
        let counters = device.driver.statistics(of: vchan)
        var lines = [
            "  vchan \(vchan): \(configuration.direction.name)",
            "    nb_desc: \(configuration.descriptorCount)",
        ]
        for (side, port) in [("src", configuration.sourcePort), ("dst", configuration.destinationPort)]
        where port.type != .none {
            lines.append("    \(side)_port: \(port.description)")
        }
        if let use = ringUse(of: vchan) {
            lines += [
                "    desc_empty_ring_count: \(use.empty)", "    desc_pending_ring_count: \(use.pending)",
                "    desc_running_ring_count: \(use.running)", "    desc_completed_ring_count: \(use.completed)",
                "    next_ring_idx: \(use.nextIndex)", "    last_ring_idx: \(use.lastIndex)",
            ]
        }
        return lines + [
            "    submitted_count: \(counters.submitted)", "    completed_count: \(counters.completed)",
            "    error_count: \(counters.errors)",
        ]
    }

    /// Replaces the faults that a device of the driver `fault` injects; see `FaultPlan`. Any thread; also while the device
    /// is started.
    ///
    /// - Parameter plan: in the words of `FaultPlan`; empty: none.
    /// - Throws: `EINVAL` for another text, and when the device was closed; `ENOTSUP` when the device injects no faults, or
    ///   its engine is in another process and has started.
    public func setFaults(_ plan: String) throws(DMAError) {
        try mustBeOpen()
        try device.driver.setFaults(plan)
    }

    /// Sets the statistics of one channel, or of all, to 0, as the application's call does: see
    /// ``DMADevice/resetStatistics(of:)``. A reset of what does not exist is none of the application's failed calls.
    public func resetStatistics(of vchan: UInt16?) throws(DMAError) {
        try mustBeOpen()
        if let vchan { try mustHave(vchan) }
        try device.resetStatistics(of: vchan)
    }

    // MARK: Checks

    func mustBeOpen() throws(DMAError) {
        guard device.state.withLock({ !$0.isClosed }) else {
            throw DMAError(.noDevice, .invalidArgument, "device \(id), '\(name)', was closed")
        }
    }

    func mustHave(_ vchan: UInt16) throws(DMAError) {
        let count = device.state.withLock { $0.channels.count }
        guard Int(vchan) < count else {
            throw DMAError(
                .invalidArgument, .invalidArgument,
                count == 0
                    ? "device \(id) is not configured"
                    : "device \(id) has no virtual channel \(vchan): it has \(count), from 0")
        }
    }
}
