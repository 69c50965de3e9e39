internal import CDMADev
internal import CDPDKObserver
internal import DMADev
internal import LinuxSystem

/// The driver of a device that belongs to an application of DPDK.
///
/// Its control functions do nothing, because DPDK has made those calls already. Its data path counts each call and makes
/// it with DPDK's driver, in C.
final class ObservedDriver: DMADriver {
    let properties: DeviceProperties
    private let id: Int16
    private let ticks = Ticks()
    private let driverStatistics: DriverStatistics

    /// - Parameter device: as DPDK has started it.
    init(_ device: dmascope_dpdk_device) {
        id = device.id
        driverStatistics = DriverStatistics(device)
        properties = DeviceProperties(
            driver: String(cString: device.driver), capabilities: Capabilities(rawValue: device.capabilities),
            maximumVirtualChannelCount: device.max_vchans, maximumDescriptorCount: device.max_desc,
            minimumDescriptorCount: min(device.min_desc, device.max_desc), maximumEntryCount: device.max_sges,
            numaNode: device.numa_node, isObserved: true)
    }

    func registered(as id: Int16) {}
    func configure(_ configuration: DeviceConfiguration) throws(DMAError) {}
    func setUpVirtualChannel(_ vchan: UInt16, _ configuration: VirtualChannelConfiguration) throws(DMAError) {}

    func start(_ path: inout dmadev_data_path) throws(DMAError) {
        observer_set_functions(id, &path)
        path.refused_flags = 0
        path.mode = UInt16(DMADEV_MODE_OBSERVED)
    }

    func stop() throws(DMAError) {}
    func close() throws(DMAError) {}

    func counters(of vchan: UInt16) -> ChannelCounters? {
        guard let counters = observer_counters(id, vchan) else { return nil }
        return ChannelCounters(
            reading: counters.member(\.counters.engine), counters.member(\.counters.application))
    }

    func additionalCounters(of vchan: UInt16) -> [(name: String, value: UInt64)] {
        guard let counters = observer_counters(id, vchan) else { return [] }
        let driver = driverStatistics.compare(vchan)
        return [
            ("full_polls", counters.member(\.activity.full_polls).loadRelaxed()),
            ("empty_polls", counters.member(\.activity.empty_polls).loadRelaxed()),
            ("in_flight", observer_is_silent(id) ? 0 : UInt64(max(0, observer_in_flight(counters)))),
        ]
            + (driver.map { driver in
                [
                    ("driver_submitted", driver.statistics.submitted),
                    ("driver_completed", driver.statistics.completed), ("driver_errors", driver.statistics.errors),
                    ("driver_counts_differ", driver.differs ? 1 : 0),
                ]
            } ?? [])
    }

    /// DPDK has started the device, or reset its statistics: both sides count from here.
    func beginComparison() { driverStatistics.begin(observer_channel_count(id)) }

    /// DPDK has stopped the device: when this returns, its functions are not called any more.
    func endComparison() { driverStatistics.end() }

    func status(of vchan: UInt16) -> VirtualChannelStatus { progress(of: vchan).status }

    func progress(of vchan: UInt16) -> ChannelProgress {
        guard !observer_is_silent(id), let counters = observer_counters(id, vchan) else {
            return ChannelProgress(status: .idle)
        }
        let now = Ticks.now
        func age(_ time: UInt64) -> Duration? {
            time == 0 ? nil : .nanoseconds(Int64(clamping: ticks.nanoseconds(from: time, to: now)))
        }
        return ChannelProgress(
            status: observer_in_flight(counters) > 0 ? .active : .idle,
            oldestOperationAge: age(counters.member(\.activity.oldest).loadRelaxed()),
            lastCompletionAge: age(counters.member(\.activity.last_completed).loadRelaxed()))
    }

    /// Where the driver's ring stands is not known.
    func ringUse(of vchan: UInt16) -> RingUse? { nil }
}
