public import CDMADev
public import DMADev
public import DMAEngine
internal import Synchronization
internal import SystemPackage

/// A DMA device in software: an engine's thread moves the bytes.
///
/// It does for real what its capabilities say. Devices may share an engine, whose thread then serves their rings in
/// turn.
public final class SoftwareDevice: DMADriver {
    /// What a software device is made with.
    public struct Options: Sendable, Equatable {
        /// What the device shows and does: a part of ``SoftwareDevice/capabilities``.
        public var capabilities = SoftwareDevice.capabilities
        /// Most virtual channels, 1 to 1,024.
        public var maximumVirtualChannelCount: UInt16 = 64
        /// Most descriptors a ring, 1 to 32,768.
        public var maximumDescriptorCount: UInt16 = 8192
        /// Fewest descriptors a ring, from 1.
        public var minimumDescriptorCount: UInt16 = 32
        /// Most entries of a scatter-gather list, 1 to 64.
        public var maximumEntryCount: UInt16 = 32

        /// The usual device.
        public init() {}
    }

    /// Everything that a software device can do.
    public static let capabilities: Capabilities = [
        .mem2mem, .sva, .handlesErrors, .copy, .copyScatterGather, .fill,
    ]

    /// The driver's name.
    public static let driverName = "software"

    /// What the device is.
    public let properties: DeviceProperties

    private let engine: Engine
    private let state: Mutex<State>

    private struct State {
        var id: Int16 = -1
        var configuration: DeviceConfiguration?
        /// Of every channel that ever was set up: counters outlive configurations.
        var counters: [UInt16: RingCounters] = [:]
        var channels: [UInt16: VirtualChannelConfiguration] = [:]
        /// Rings by channel while started.
        var rings: [DescriptorRing] = []
        var dataPath: SoftwareDataPath?
    }

    /// Makes a device on an engine.
    ///
    /// - Parameter sharesEngine: whether other devices have the same engine; what ``DMADev/DeviceInfo`` tells.
    /// - Throws: `EINVAL` for options out of their ranges.
    public init(
        engine: Engine, options: Options = Options(), sharesEngine: Bool = false
    ) throws(DMAError) {
        try options.validate()
        self.engine = engine
        state = Mutex(State())
        properties = DeviceProperties(
            driver: Self.driverName, capabilities: options.capabilities,
            maximumVirtualChannelCount: options.maximumVirtualChannelCount,
            maximumDescriptorCount: options.maximumDescriptorCount,
            minimumDescriptorCount: options.minimumDescriptorCount, maximumEntryCount: options.maximumEntryCount,
            sharesEngine: sharesEngine)
    }

    deinit {
        // A device dropped without being stopped: its rings must leave the engine before their memory goes.
        for ring in state.withLock({ $0.rings }) { ring.retire() }
    }

    // MARK: Control

    /// Takes the number for traces.
    public func registered(as id: Int16) {
        state.withLock { $0.id = id }
    }

    /// Forgets the channels.
    public func configure(_ configuration: DeviceConfiguration) throws(DMAError) {
        state.withLock { state in
            state.configuration = configuration
            state.channels = [:]
        }
    }

    /// Notes the channel; its ring is made at the start.
    public func setUpVirtualChannel(
        _ vchan: UInt16, _ configuration: VirtualChannelConfiguration
    ) throws(DMAError) {
        state.withLock { state in
            state.channels[vchan] = configuration
            if state.counters[vchan] == nil { state.counters[vchan] = RingCounters() }
        }
    }

    /// Makes the rings and gives them to the engine.
    public func start(_ path: inout dmadev_data_path) throws(DMAError) {
        let now = state.withLock { $0 }
        let isSilent = now.configuration?.flags.contains(.silent) == true
        var rings: [DescriptorRing] = []
        for (vchan, channel) in now.channels.sorted(by: { $0.key < $1.key }) {
            let layout = RingLayout(
                descriptorCount: Int(channel.descriptorCount), maximumEntries: Int(properties.maximumEntryCount))
            guard let counters = now.counters[vchan],
                let ring = DescriptorRing(
                    layout: layout, counters: counters, engine: engine, isSilent: isSilent, device: now.id,
                    vchan: vchan)
            else {
                rings.forEach { $0.retire() }
                throw DMAError(.exhausted, .noMemory, "no memory for the rings of device '\(now.id)'")
            }
            rings.append(ring)
        }
        let dataPath = SoftwareDataPath(rings)
        dataPath.fill(&path, properties.capabilities)
        state.withLock { [rings] state in
            state.rings = rings
            state.dataPath = dataPath
        }
    }

    /// Takes the rings off the engine.
    public func stop() throws(DMAError) {
        // The rings stay for those who read until they are off the engine.
        for ring in state.withLock({ $0.rings }) { ring.retire() }
        state.withLock { state in
            state.rings = []
            state.dataPath = nil
        }
    }

    /// Nothing is left to give back: rings live from start to stop.
    public func close() throws(DMAError) {}

    // MARK: Reading

    /// What a channel has done since the device was made.
    public func counters(of vchan: UInt16) -> Statistics {
        guard let counts = state.withLock({ $0.counters[vchan] })?.read() else { return Statistics() }
        return Statistics(submitted: counts.submitted, completed: counts.completed, errors: counts.errors)
    }

    /// What a channel is doing; a stopped one is idle.
    public func status(of vchan: UInt16) -> VirtualChannelStatus {
        ring(vchan)?.isIdle ?? true ? .idle : .active
    }

    /// How a channel's ring is used.
    public func ringUse(of vchan: UInt16) -> RingUse? {
        guard let use = ring(vchan)?.producer.pointee.occupancy else { return nil }
        return RingUse(
            empty: use.empty, pending: use.pending, running: use.running, completed: use.completed,
            nextIndex: use.nextIndex, lastIndex: use.lastIndex)
    }

    private func ring(_ vchan: UInt16) -> DescriptorRing? {
        state.withLock { Int(vchan) < $0.rings.count ? $0.rings[Int(vchan)] : nil }
    }
}

extension SoftwareDevice.Options {
    func validate() throws(DMAError) {
        func check(_ isFine: Bool, _ message: String) throws(DMAError) {
            guard isFine else { throw DMAError(.invalidArgument, .invalidArgument, message) }
        }
        let beyond = capabilities.subtracting(SoftwareDevice.capabilities)
        try check(
            beyond.isEmpty,
            "capabilities 0x\(String(beyond.rawValue, radix: 16)): the software driver does not have them")
        try check(
            (1...1024).contains(maximumVirtualChannelCount),
            "\(maximumVirtualChannelCount) virtual channels: a software device takes 1 to 1024")
        try check(
            minimumDescriptorCount >= 1 && minimumDescriptorCount <= maximumDescriptorCount
                && maximumDescriptorCount <= 32768,
            "\(minimumDescriptorCount) to \(maximumDescriptorCount) descriptors: 1 to 32768 are possible")
        try check((1...64).contains(maximumEntryCount), "\(maximumEntryCount) list entries: 1 to 64 are possible")
    }
}
