internal import CDMATrace
internal import LinuxSystem

/// Read-only calls of the application: any thread may make them at any time, and none waits for a control call. Each is
/// traced, and its failure recorded.
extension DMADevice {
    /// The device's properties and state; `rte_dma_info_get`.
    ///
    /// - Throws: `EINVAL` when the device was closed.
    public var info: DeviceInfo {
        get throws(DMAError) {
            try traced("info_get") { ret in
                if dmatrace_dmadev_info_get_enabled() { traceInfo(ret) }
            } _: { () throws(DMAError) in
                try view.info
            }
        }
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

    private func readStatistics(of vchan: UInt16?) throws(DMAError) -> Statistics {
        var reading = Statistics()
        try traced("stats_get") { ret in
            dmatrace_dmadev_stats_get(
                id, vchan ?? allChannels, reading.submitted, reading.completed, reading.errors, ret)
        } _: { () throws(DMAError) in
            reading = try view.statistics(of: vchan)
        }
        return reading
    }

    /// Sets the statistics of one channel, or of all, to 0; `rte_dma_stats_reset`. Counters that count since the device
    /// was created do not change.
    public func resetStatistics(of vchan: UInt16? = nil) throws(DMAError) {
        try traced("stats_reset") { ret in
            dmatrace_dmadev_stats_reset(id, vchan ?? allChannels, ret)
        } _: { () throws(DMAError) in
            try view.mustBeOpen()
            if let vchan { try view.mustHave(vchan) }
            state.withLock { state in
                let channels = vchan.map { Int($0)..<Int($0) + 1 } ?? state.baselines.indices
                for channel in channels { state.baselines[channel] = driver.statistics(of: UInt16(channel)) }
            }
        }
    }

    /// The state of a channel; `rte_dma_vchan_status`.
    ///
    /// - Throws: `EINVAL` when the device was closed or the channel is not configured.
    public func status(of vchan: UInt16) throws(DMAError) -> VirtualChannelStatus {
        var status = VirtualChannelStatus.idle
        try traced("vchan_status") { ret in
            dmatrace_dmadev_vchan_status(id, vchan, status.rawValue, ret)
        } _: { () throws(DMAError) in
            status = try view.status(of: vchan)
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
            try view.dump()
        }
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

/// `RTE_DMA_ALL_VCHAN`.
private let allChannels: UInt16 = 0xFFFF
