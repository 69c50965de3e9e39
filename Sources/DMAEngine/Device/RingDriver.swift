public import CDMADev
public import DMADev

/// A driver whose channels are descriptor rings of an engine, in this process or another one.
///
/// It makes a ring for each channel at a start; state, data path, counters and reading are done here.
public protocol RingDriver: DMADriver {
    /// The device's rings; made with the device's properties.
    var rings: DeviceRings { get }

    /// Makes the ring of a channel.
    ///
    /// - Throws: what keeps the device from being started.
    func makeRing(_ request: RingRequest) throws(DMAError) -> ApplicationRing

    /// Called before the device is configured or started.
    func prepare() throws(DMAError)

    /// Refuses the set-up of a channel that only the driver can judge.
    func validate(_ channel: VirtualChannelConfiguration) throws(DMAError)

    /// Ends all work of these rings: running operations finish, queued ones are aborted.
    func end(_ rings: [ApplicationRing])

    /// Whether a device without rings is halted.
    var isHalted: Bool { get }
}

/// What a driver with engines in this process need not write.
extension RingDriver {
    /// Nothing to do.
    public func prepare() throws(DMAError) {}

    /// Every channel is fine.
    public func validate(_ channel: VirtualChannelConfiguration) throws(DMAError) {}

    /// Takes the rings off their engines.
    public func end(_ rings: [ApplicationRing]) {
        for ring in rings { ring.engineRing?.retire() }
    }

    /// It is not.
    public var isHalted: Bool { false }
}

/// `DMADriver`, for every ring-backed device.
extension RingDriver {
    /// What the device is.
    public var properties: DeviceProperties { rings.properties }

    /// The number is for traces.
    public func registered(as id: Int16) { rings.register(as: id) }

    /// Forgets the channels.
    public func configure(_ configuration: DeviceConfiguration) throws(DMAError) {
        try prepare()
        rings.configure(configuration)
    }

    /// Notes the channel; its ring is made at the start.
    public func setUpVirtualChannel(_ vchan: UInt16, _ configuration: VirtualChannelConfiguration) throws(DMAError) {
        try validate(configuration)
        rings.setUp(vchan, configuration)
    }

    /// Makes the rings.
    public func start(_ path: inout dmadev_data_path) throws(DMAError) {
        try prepare()
        try rings.start(&path, make: makeRing, discard: end)
    }

    /// Ends the rings.
    public func stop() throws(DMAError) { rings.stop(end) }

    /// Nothing is left to give back: rings live from start to stop.
    public func close() throws(DMAError) {}

    /// What a channel has counted since the device was made.
    public func counters(of vchan: UInt16) -> ChannelCounters? { rings.counters(of: vchan) }

    /// What a channel is doing; a stopped one is idle.
    public func status(of vchan: UInt16) -> VirtualChannelStatus {
        rings.ring(vchan)?.status ?? (isHalted ? .haltedError : .idle)
    }

    /// How a channel's ring is used.
    public func ringUse(of vchan: UInt16) -> RingUse? { rings.ring(vchan)?.use }
}
