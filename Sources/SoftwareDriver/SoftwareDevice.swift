public import CDMADev
public import DMADev
public import DMAEngine
internal import LinuxSystem
internal import SystemPackage

/// A DMA device in software: an engine's thread moves the bytes.
///
/// It does for real what its capabilities say. Devices may share an engine, whose thread then serves their rings in
/// turn.
public final class SoftwareDevice: DMADriver {
    /// What a software device is made with.
    public struct Options: Sendable {
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
        /// The devices behind PCIe ports: a port's fields as one word, and the memory there. What mem2dev, dev2mem and
        /// dev2dev channels reach.
        public var deviceMemory: [UInt64: DeviceMemory] = [:]

        /// The usual device.
        public init() {}
    }

    /// Everything that a software device can do.
    public static let capabilities: Capabilities = [
        .mem2mem, .mem2dev, .dev2mem, .dev2dev, .sva, .silent, .handlesErrors, .autoFree, .strictPriority, .copy,
        .copyScatterGather, .fill, .enqueueDequeue,
    ]

    /// Levels of priority among devices that share an engine.
    public static let priorityCount: UInt16 = 4

    /// The driver's name.
    public static let driverName = "software"

    /// What the device is.
    public let properties: DeviceProperties

    private let engine: Engine
    private let deviceMemory: [UInt64: DeviceMemory]
    /// What a device without SVA reaches.
    private let map: IOVAMap?
    private let state: Locked<State>

    private struct State {
        var id: Int16 = -1
        var configuration: DeviceConfiguration?
        /// Of every channel that ever was set up: counters outlive configurations.
        var counters: [UInt16: RingCounters] = [:]
        var channels: [UInt16: VirtualChannelConfiguration] = [:]
        /// Rings by channel while started.
        var rings: [DescriptorRing] = []
        /// The next IOVA to choose: beyond every address that a process can have.
        var nextIOVA: UInt64 = 1 << 57
        var dataPath: SoftwareDataPath?
    }

    /// Makes a device on an engine.
    ///
    /// - Parameter sharesEngine: whether other devices have the same engine; what `DeviceInfo` tells.
    /// - Throws: `EINVAL` for options out of their ranges.
    public init(
        engine: Engine, options: Options = Options(), sharesEngine: Bool = false
    ) throws(DMAError) {
        try options.validate()
        self.engine = engine
        deviceMemory = options.deviceMemory
        map = options.capabilities.contains(.sva) ? nil : IOVAMap(engine: engine)
        state = Locked(State())
        properties = DeviceProperties(
            driver: Self.driverName, capabilities: options.capabilities,
            maximumVirtualChannelCount: options.maximumVirtualChannelCount,
            maximumDescriptorCount: options.maximumDescriptorCount,
            minimumDescriptorCount: options.minimumDescriptorCount, maximumEntryCount: options.maximumEntryCount,
            priorityCount: options.capabilities.contains(.strictPriority) ? Self.priorityCount : 0,
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
    ///
    /// - Throws: `EINVAL` for a port without a device.
    public func setUpVirtualChannel(
        _ vchan: UInt16, _ configuration: VirtualChannelConfiguration
    ) throws(DMAError) {
        _ = try space(configuration.sourcePort)
        _ = try space(configuration.destinationPort)
        state.withLock { state in
            state.channels[vchan] = configuration
            if state.counters[vchan] == nil { state.counters[vchan] = RingCounters() }
        }
    }

    /// Makes the rings and gives them to the engine.
    public func start(_ path: inout dmadev_data_path) throws(DMAError) {
        let now = state.withLock { $0 }
        let mode = now.configuration?.flags ?? []
        var rings: [DescriptorRing] = []
        for (vchan, channel) in now.channels.sorted(by: { $0.key < $1.key }) {
            var configuration = DescriptorRing.Configuration(
                layout: RingLayout(
                    descriptorCount: Int(channel.descriptorCount), maximumEntries: Int(properties.maximumEntryCount)))
            configuration.isSilent = mode.contains(.silent)
            configuration.usesOperations = mode.contains(.enqueueDequeue)
            configuration.priority = now.configuration?.priority ?? 0
            configuration.source = try space(channel.sourcePort)
            configuration.destination = try space(channel.destinationPort)
            if let pool = channel.autoFreePool { configuration.giveBack = { pool.giveBack($0) } }
            configuration.device = now.id
            configuration.vchan = vchan
            guard let counters = now.counters[vchan],
                let ring = DescriptorRing(configuration, counters: counters, engine: engine)
            else {
                rings.forEach { $0.retire() }
                throw DMAError(.exhausted, .noMemory, "there is no memory for the rings of device \(now.id)")
            }
            rings.append(ring)
        }
        let dataPath = SoftwareDataPath(rings)
        dataPath.fill(&path, properties.capabilities, mode)
        state.withLock { [rings] state in
            state.rings = rings
            state.dataPath = dataPath
        }
    }

    /// Where the addresses of a channel's side lie.
    private func space(_ port: Port) throws(DMAError) -> AddressSpace {
        guard port.type != .none else { return map.map(AddressSpace.mapped) ?? .process }
        guard let memory = deviceMemory[port.pcie] else {
            let known = deviceMemory.keys.sorted().map { "0x\(String($0, radix: 16))" }.joined(separator: ", ")
            throw DMAError(
                .invalidArgument, .invalidArgument,
                "port 0x\(String(port.pcie, radix: 16)): there is no device behind it; "
                    + (known.isEmpty ? "this device has no ports" : "there are devices behind \(known)"))
        }
        return .device(memory)
    }

    // MARK: Memory

    /// Puts memory into the map; addresses are chosen one after the other, by pages, with one left out between.
    public func mapMemory(_ address: UInt64, byteCount: UInt64, iova: UInt64?) throws(DMAError) -> UInt64 {
        guard let map else { return address }
        let chosen = if let iova { iova } else { try chooseIOVA(address, byteCount) }
        guard map.insert(iova: chosen, byteCount: byteCount, address: address) else {
            throw DMAError(
                .exists, .fileExists,
                "IOVA 0x\(String(chosen, radix: 16)) and \(byteCount) bytes: memory is mapped there already")
        }
        return chosen
    }

    private func chooseIOVA(_ address: UInt64, _ byteCount: UInt64) throws(DMAError) -> UInt64 {
        try state.withLock { state throws(DMAError) in
            let chosen = state.nextIOVA + address % 4096
            let (end, isBeyond) = chosen.addingReportingOverflow(byteCount)
            // Two pages are kept from the end of all addresses: rounding up does not pass it.
            guard !isBeyond, end < .max - 2 * 4096 else {
                throw DMAError(
                    .exhausted, .noSpace,
                    "\(byteCount) bytes: so many IOVAs in a row are not left; ask for one that is free")
            }
            state.nextIOVA = (end + 2 * 4096 - 1) & ~4095
            return chosen
        }
    }

    /// Takes memory out of the map.
    public func unmapMemory(iova: UInt64) throws(DMAError) {
        guard map?.remove(at: iova) == true else {
            throw DMAError(
                .invalidArgument, .invalidArgument, "IOVA 0x\(String(iova, radix: 16)): no mapping begins there")
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

    /// All that a channel has counted.
    public func details(of vchan: UInt16) -> ChannelDetails? {
        guard let read = state.withLock({ $0.counters[vchan] })?.readAll() else { return nil }
        return ChannelDetails(
            statistics: Statistics(
                submitted: read.counts.submitted, completed: read.counts.completed, errors: read.counts.errors),
            bytes: read.bytes, kinds: read.kinds, failures: read.statuses, rejected: read.rejected,
            doorbells: read.doorbells, highWater: read.highWater,
            latency: Latency(
                buckets: read.latencyBuckets.enumerated().map {
                    Latency.Bucket(upperBound: LatencyHistogram.upperBound(of: $0), count: $1)
                }, sum: read.latencySum))
    }

    /// What a channel is doing; a stopped one is idle.
    public func status(of vchan: UInt16) -> VirtualChannelStatus {
        ring(vchan)?.isIdle ?? true ? .idle : .active
    }

    /// How a channel's ring is used.
    public func ringUse(of vchan: UInt16) -> RingUse? {
        guard let use = ring(vchan)?.occupancy else { return nil }
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
