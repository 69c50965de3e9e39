internal import CDMATrace
internal import LinuxSystem
internal import SystemPackage

/// Read-only calls: any thread may call them at any time, and none waits for a control call.
extension DMADevice {
    /// The device's properties and state; `rte_dma_info_get`.
    ///
    /// - Throws: `EINVAL` when the device was closed.
    public var info: DeviceInfo {
        get throws(DMAError) {
            try traced("info_get") { ret in
                if dmatrace_dmadev_info_get_enabled() { traceInfo(ret) }
            } _: { () throws(DMAError) in
                try mustBeOpen()
                let (count, isStarted) = state.withLock { ($0.channels.count, $0.isStarted) }
                return DeviceInfo(
                    name: name, properties: properties, virtualChannelCount: UInt16(count), isStarted: isStarted)
            }
        }
    }

    /// The configurations of the device and its channels; `nil` before they are set.
    public var configuration: (device: DeviceConfiguration, channels: [VirtualChannelConfiguration?])? {
        state.withLock { state in state.configuration.map { ($0, state.channels) } }
    }

    /// The sum over all channels since the last reset; `rte_dma_stats_get` with `RTE_DMA_ALL_VCHAN`.
    ///
    /// - Throws: `EINVAL` when the device was closed.
    public var statistics: Statistics {
        get throws(DMAError) { try readStatistics(of: nil) }
    }

    /// One channel's statistics since the last reset; `rte_dma_stats_get`.
    ///
    /// - Throws: `EINVAL` when the device was closed or the channel is not configured.
    public func statistics(of vchan: UInt16) throws(DMAError) -> Statistics {
        try readStatistics(of: vchan)
    }

    /// Sets the statistics of one channel, or of all, to 0; `rte_dma_stats_reset`. Counters that count since the device
    /// was created do not change.
    public func resetStatistics(of vchan: UInt16? = nil) throws(DMAError) {
        try traced("stats_reset") { ret in
            dmatrace_dmadev_stats_reset(id, vchan ?? allChannels, ret)
        } _: { () throws(DMAError) in
            try mustBeOpen()
            if let vchan { try mustHave(vchan) }
            state.withLock { state in
                let channels = vchan.map { Int($0)..<Int($0) + 1 } ?? state.baselines.indices
                for channel in channels { state.baselines[channel] = driver.statistics(of: channel) }
            }
        }
    }

    private func readStatistics(of vchan: UInt16?) throws(DMAError) -> Statistics {
        var reading = Statistics()
        try traced("stats_get") { ret in
            dmatrace_dmadev_stats_get(
                id, vchan ?? allChannels, reading.submitted, reading.completed, reading.errors, ret)
        } _: { () throws(DMAError) in
            try mustBeOpen()
            if let vchan { try mustHave(vchan) }
            // The counters are read under the lock that a reset holds: a reading is never older than its baseline.
            reading = state.withLock { state in
                let channels = vchan.map { Int($0)..<Int($0) + 1 } ?? state.channels.indices
                return channels.reduce(Statistics()) { sum, channel in
                    sum + driver.statistics(of: channel).since(state.baselines[channel])
                }
            }
        }
        return reading
    }

    /// All counters of a channel since the device was created; they never decrease. `nil` when the channel was never
    /// set up.
    public func counters(of vchan: UInt16) -> ChannelCounters? {
        driver.counters(of: vchan)
    }

    /// The current occupancy of a channel's ring; `nil` while the device is stopped.
    public func ringUse(of vchan: UInt16) -> RingUse? {
        driver.ringUse(of: vchan)
    }

    /// The state of a channel; `rte_dma_vchan_status`.
    ///
    /// - Throws: `EINVAL` when the device was closed or the channel is not configured.
    public func status(of vchan: UInt16) throws(DMAError) -> VirtualChannelStatus {
        var status = VirtualChannelStatus.idle
        try traced("vchan_status") { ret in
            dmatrace_dmadev_vchan_status(id, vchan, status.rawValue, ret)
        } _: { () throws(DMAError) in
            try mustBeOpen()
            try mustHave(vchan)
            status = driver.status(of: vchan)
        }
        return status
    }

    /// A human-readable description of the device; `rte_dma_dump`.
    ///
    /// - Throws: `EINVAL` when the device was closed.
    public func dump() throws(DMAError) -> String {
        try traced("dump") { ret in
            dmatrace_dmadev_dump(id, ret)
        } _: { () throws(DMAError) in
            try mustBeOpen()
            let now = state.withLock { $0 }
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
            for channel in now.channels.indices { lines += dump(channel, now.channels[channel]) }
            return lines.joined(separator: "\n") + "\n"
        }
    }

    private func dump(_ channel: Int, _ configuration: VirtualChannelConfiguration?) -> [String] {
        guard let configuration else { return ["  vchan \(channel): not set up"] }
        let counters = driver.statistics(of: channel)
        var lines = [
            "  vchan \(channel): \(configuration.direction.name)",
            "    nb_desc: \(configuration.descriptorCount)",
        ]
        if let use = driver.ringUse(of: UInt16(channel)) {
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

    private func traceInfo(_ ret: Int32) {
        var info = dmatrace_device_info()
        if ret == 0 {
            info.dev_capa = properties.capabilities.rawValue
            info.max_vchans = properties.maximumVirtualChannelCount
            info.max_desc = properties.maximumDescriptorCount
            info.min_desc = properties.minimumDescriptorCount
            info.max_sges = properties.maximumEntryCount
            info.nb_vchans = UInt16(state.withLock { $0.channels.count })
            info.nb_priorities = properties.priorityCount
            info.numa_node = properties.numaNode
            info.nb_access_groups = properties.accessGroupCount
            info.controller_id = properties.controllerID ?? .max
        }
        dmatrace_dmadev_info_get(id, name, &info, ret)
    }
}

extension DMADriver {
    /// The counters of `struct rte_dma_stats`; zero for a channel that was never set up.
    fileprivate func statistics(of channel: Int) -> Statistics {
        counters(of: UInt16(channel))?.statistics ?? Statistics()
    }
}

/// `RTE_DMA_ALL_VCHAN`.
private let allChannels: UInt16 = 0xFFFF
