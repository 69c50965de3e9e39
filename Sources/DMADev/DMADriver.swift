public import CDMADev
internal import SystemPackage

/// What a driver does for a device; `struct rte_dma_dev_ops`.
///
/// The library checks every argument and state before it calls, and calls the control functions of one device one at a
/// time. Counters, status, use and dump may be asked for at any moment, from any thread, also while a control call
/// runs. Drivers emit no trace: the call layer does.
public protocol DMADriver: AnyObject, Sendable {
    /// What the device is; it does not change.
    var properties: DeviceProperties { get }

    /// The registry has given the device this number. Called once, first.
    func registered(as id: Int16)

    /// Takes a configuration; channels that were set up are gone. The device is stopped.
    func configure(_ configuration: DeviceConfiguration) throws(DMAError)

    /// Makes a channel ready. The device is stopped.
    func setUpVirtualChannel(_ vchan: UInt16, _ configuration: VirtualChannelConfiguration) throws(DMAError)

    /// Begins to work: fills in the functions that the device offers. Ring indexes begin at 0.
    func start(_ path: inout dmadev_data_path) throws(DMAError)

    /// Ends work: the running operation finishes, queued ones are aborted, those that were not rung vanish.
    func stop() throws(DMAError)

    /// Gives everything back; nothing is called after it but the reading functions.
    func close() throws(DMAError)

    /// What a channel has done since the device was made, over all starts; zero for a channel that never was.
    func counters(of vchan: UInt16) -> Statistics

    /// The same in full; `nil` for a channel that never was, or when the driver knows no more than `counters`.
    func details(of vchan: UInt16) -> ChannelDetails?

    /// Makes memory of the process reachable for a device without SVA; `rte_dev_dma_map`.
    ///
    /// - Parameter iova: the address that the device is to know it by, `nil` to choose one.
    /// - Returns: that address.
    func mapMemory(_ address: UInt64, byteCount: UInt64, iova: UInt64?) throws(DMAError) -> UInt64

    /// Ends that; `rte_dev_dma_unmap`. When it returns, the device touches the memory no more.
    func unmapMemory(iova: UInt64) throws(DMAError)

    /// What a channel is doing.
    func status(of vchan: UInt16) -> VirtualChannelStatus

    /// How a channel's ring is used; `nil` where there is none.
    func ringUse(of vchan: UInt16) -> RingUse?
}

/// What a driver that offers no more than it must need not write.
extension DMADriver {
    /// Nothing more is known.
    public func details(of vchan: UInt16) -> ChannelDetails? { nil }

    /// The device has no addresses of its own.
    public func mapMemory(_ address: UInt64, byteCount: UInt64, iova: UInt64?) throws(DMAError) -> UInt64 {
        throw DMAError(.notSupported, .notSupported, "the \(properties.driver) driver maps no memory")
    }

    /// The device has no addresses of its own.
    public func unmapMemory(iova: UInt64) throws(DMAError) {
        throw DMAError(.notSupported, .notSupported, "the \(properties.driver) driver maps no memory")
    }
}
