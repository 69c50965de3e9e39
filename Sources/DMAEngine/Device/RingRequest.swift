public import DMADev
internal import SystemPackage

/// The parameters of a channel's ring at a start.
public struct RingRequest: Sendable {
    /// The device's number, for traces.
    public let device: Int16
    /// The channel's number.
    public let vchan: UInt16
    /// The configuration of the device.
    public let configuration: DeviceConfiguration
    /// The configuration of the channel.
    public let channel: VirtualChannelConfiguration
    /// The size of the ring.
    public let layout: RingLayout
    /// Faults that its engine injects; `nil`: none.
    public let faults: RingFaults?

    /// Makes a ring of this process, attached to an engine.
    ///
    /// - Parameters:
    ///   - source: the address space of source addresses.
    ///   - destination: the address space of destination addresses.
    ///   - buffers: the dma-bufs that the device accesses.
    ///   - engine: serves the ring until it is retired.
    /// - Throws: `ENOMEM`.
    public func ring(
        on engine: Engine, source: AddressSpace = .process, destination: AddressSpace = .process,
        buffers: DMABufferMap? = nil
    ) throws(DMAError) -> ApplicationRing {
        var served = EngineRing.Configuration()
        served.priority = configuration.priority
        served.source = source
        served.destination = destination
        served.buffers = buffers
        if let pool = channel.autoFreePool { served.giveBack = { pool.giveBack($0) } }
        served.faults = faults
        served.device = device
        served.vchan = vchan
        guard let ring = ApplicationRing(layout: layout, mode: configuration.flags, engine: engine, served) else {
            throw DMAError(.exhausted, .noMemory, "not enough memory for the rings of device \(device)")
        }
        return ring
    }
}
