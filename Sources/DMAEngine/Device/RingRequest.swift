public import DMADev
internal import SystemPackage

/// The ring that a channel needs at a start.
public struct RingRequest: Sendable {
    /// The device's number, for traces.
    public let device: Int16
    /// The channel's number.
    public let vchan: UInt16
    /// How the device is configured.
    public let configuration: DeviceConfiguration
    /// How the channel is set up.
    public let channel: VirtualChannelConfiguration
    /// The size of the ring.
    public let layout: RingLayout
    /// Faults that its engine is to make on purpose; `nil`: none.
    public let faults: RingFaults?

    /// A ring of this process, attached to an engine.
    ///
    /// - Parameters:
    ///   - source: where source addresses lie.
    ///   - destination: where destination addresses lie.
    /// - Throws: `ENOMEM`.
    public func ring(
        on engine: Engine, source: AddressSpace = .process, destination: AddressSpace = .process
    ) throws(DMAError) -> ApplicationRing {
        var served = EngineRing.Configuration()
        served.priority = configuration.priority
        served.source = source
        served.destination = destination
        if let pool = channel.autoFreePool { served.giveBack = { pool.giveBack($0) } }
        served.faults = faults
        served.device = device
        served.vchan = vchan
        guard let ring = ApplicationRing(layout: layout, mode: configuration.flags, engine: engine, served) else {
            throw DMAError(.exhausted, .noMemory, "there is no memory for the rings of device \(device)")
        }
        return ring
    }
}
