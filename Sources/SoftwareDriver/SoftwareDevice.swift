public import DMADev
public import DMAEngine
internal import LinuxSystem
internal import SystemPackage

/// A DMA device in software: an engine's thread moves the bytes.
///
/// It implements every capability that it reports. Devices may share an engine, whose thread then serves their rings in
/// turn.
public final class SoftwareDevice: RingDriver {
    /// Settings with defaults; `init` of the device checks their ranges.
    public struct Options: Sendable {
        /// The capabilities of the device: a subset of ``SoftwareDevice/capabilities``.
        public var capabilities = SoftwareDevice.capabilities
        /// Maximum virtual channels, 1 to 1,024.
        public var maximumVirtualChannelCount: UInt16 = 64
        /// Maximum descriptors per ring, 1 to 32,768.
        public var maximumDescriptorCount: UInt16 = 8192
        /// Minimum descriptors per ring, from 1.
        public var minimumDescriptorCount: UInt16 = 32
        /// Maximum entries per scatter-gather list, 1 to 64.
        public var maximumEntryCount: UInt16 = 32
        /// Device memory for mem2dev, dev2mem and dev2dev channels; the key is a port's PCIe fields as one word.
        public var deviceMemory: [PCIePort: DeviceMemory] = [:]

        /// All capabilities, and the default limits.
        public init() {}
    }

    /// All capabilities that a software device supports.
    public static let capabilities: Capabilities = [
        .mem2mem, .mem2dev, .dev2mem, .dev2dev, .sva, .silent, .handlesErrors, .autoFree, .strictPriority, .copy,
        .copyScatterGather, .fill, .enqueueDequeue,
    ]

    /// Number of priority levels among devices that share an engine.
    public static let priorityCount: UInt16 = 4

    /// The name in `--device` and in `/dmadev/info`.
    public static let driverName = "software"

    /// The configuration, rings and counters of the channels.
    public let rings: DeviceRings

    private let engine: Engine
    private let deviceMemory: [PCIePort: DeviceMemory]
    /// The mapped memory of a device without SVA, and attached buffers.
    private let map: IOVAMap
    private let hasSVA: Bool
    /// The mapped dma-bufs.
    private let buffers: DMABufferMap
    /// The addresses of attached dma-bufs, by IOVA.
    private let attachedBuffers = Locked<[UInt64: UInt64]>([:])

    /// Makes a device on an engine.
    ///
    /// - Parameter sharesEngine: whether other devices use the same engine; reported in `DeviceInfo`.
    /// - Parameter options: limits, capabilities and device memory.
    /// - Parameter engine: serves the device's rings.
    /// - Throws: `EINVAL` for options out of their ranges.
    public convenience init(
        engine: Engine, options: Options = Options(), sharesEngine: Bool = false
    ) throws(DMAError) {
        try self.init(
            engine: engine, options: options, sharesEngine: sharesEngine, buffers: DMABufferMap(engine: engine))
    }

    /// The same with a map whose accesses begin and end in another way.
    package init(
        engine: Engine, options: Options = Options(), sharesEngine: Bool = false, buffers: DMABufferMap
    ) throws(DMAError) {
        try options.validate()
        self.engine = engine
        deviceMemory = options.deviceMemory
        map = IOVAMap(engine: engine)
        hasSVA = options.capabilities.contains(.sva)
        self.buffers = buffers
        rings = DeviceRings(
            DeviceProperties(
                driver: Self.driverName, capabilities: options.capabilities,
                maximumVirtualChannelCount: options.maximumVirtualChannelCount,
                maximumDescriptorCount: options.maximumDescriptorCount,
                minimumDescriptorCount: options.minimumDescriptorCount, maximumEntryCount: options.maximumEntryCount,
                priorityCount: options.capabilities.contains(.strictPriority) ? Self.priorityCount : 0,
                sharesEngine: sharesEngine))
    }

    /// The device's engine, also while the device is stopped.
    public var engines: [EngineReport] { [engine.report] }

    /// Makes a ring of this process and attaches it to the engine.
    public func makeRing(_ request: RingRequest) throws(DMAError) -> ApplicationRing {
        try request.ring(
            on: engine, source: space(request.channel.sourcePort), destination: space(request.channel.destinationPort),
            buffers: buffers)
    }

    /// Refuses a port without a device.
    public func validate(_ channel: VirtualChannelConfiguration) throws(DMAError) {
        _ = try space(channel.sourcePort)
        _ = try space(channel.destinationPort)
    }

    /// The address space of one side of a channel.
    private func space(_ port: Port) throws(DMAError) -> AddressSpace {
        guard port.type != .none else { return hasSVA ? .processAndAttached(map) : .mapped(map) }
        guard let memory = deviceMemory[port.pcie.function] else {
            let known = deviceMemory.keys.map { Port.pcie($0).description }.sorted().joined(separator: "; ")
            throw DMAError(
                .invalidArgument, .invalidArgument,
                "port \(port.description): no device is behind it; "
                    + (known.isEmpty ? "this device has no ports" : "the ports with a device are \(known)"))
        }
        return .device(memory)
    }

    /// Adds memory to the map of a device without SVA.
    public func mapMemory(_ address: UInt64, byteCount: UInt64, iova: UInt64?) throws(DMAError) -> UInt64 {
        try map.insert(address, byteCount: byteCount, iova: iova)
    }

    /// Adds a region to the map of a device without SVA. With SVA too, a dma-buf is synchronized with its other users
    /// while it is mapped.
    public func mapMemory(_ region: MemoryRegion, iova: UInt64?) throws(DMAError) -> UInt64 {
        guard region.file?.kind == .dmaBuffer else { return try insert(region, iova) }
        // First, so that no access is made without.
        buffers.insert(address: region.address, byteCount: region.byteCount, descriptor: region.lentDescriptor)
        do throws(DMAError) {
            return try insert(region, iova)
        } catch {
            buffers.remove(address: region.address)
            throw error
        }
    }

    private func insert(_ region: MemoryRegion, _ iova: UInt64?) throws(DMAError) -> UInt64 {
        guard !hasSVA else { return region.address }
        guard region.hasIOVAs else { return try map.insert(region.address, byteCount: region.byteCount, iova: iova) }
        try map.insert(
            region.runs.map { IOVAMap.Range(iova: $0.iova, byteCount: $0.byteCount, address: $0.address) })
        return region.iovas.first ?? MemoryRegion.badIOVA
    }

    /// Removes a region from the map.
    public func unmapMemory(_ region: MemoryRegion, iova: UInt64) throws(DMAError) {
        if !hasSVA { _ = map.remove(at: region.hasIOVAs ? Set(region.runs.map(\.iova)) : [iova]) }
        if region.file?.kind == .dmaBuffer { buffers.remove(address: region.address) }
    }

    /// Removes memory from the map.
    public func unmapMemory(iova: UInt64) throws(DMAError) {
        guard map.remove(at: iova) else {
            throw DMAError(
                .invalidArgument, .invalidArgument, "IOVA 0x\(String(iova, radix: 16)): no mapping starts there")
        }
    }

    /// Adds the ranges of an attachment to the map. A dma-buf is synchronized with its other users, as in `mapMemory`.
    public func importRanges(_ ranges: [MemoryRange], _ direction: MappingDirection) throws(DMAError) -> [UInt64] {
        // First, so that no access is made without.
        let shared = ranges.filter { $0.file?.isDMABuffer == true }
        for range in shared {
            guard let file = range.file else { continue }
            buffers.insert(address: range.address, byteCount: range.byteCount, descriptor: file.descriptor)
        }
        do throws(DMAError) {
            let iovas = try map.insertAttached(ranges, direction)
            attachedBuffers.withLock { attached in
                for (iova, range) in zip(iovas, ranges) where range.file?.isDMABuffer == true {
                    attached[iova] = range.address
                }
            }
            return iovas
        } catch {
            for range in shared { buffers.remove(address: range.address) }
            throw error
        }
    }

    /// Removes them, and waits for the engine.
    public func endImport(_ iovas: [UInt64], within timeout: Duration?) throws(DMAError) {
        try map.removeAttached(iovas, within: timeout)
        let ended = attachedBuffers.withLock { attached in iovas.compactMap { attached.removeValue(forKey: $0) } }
        for address in ended { buffers.remove(address: address) }
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
            "capabilities 0x\(String(beyond.rawValue, radix: 16)): the software driver does not support them")
        try check(
            (1...1024).contains(maximumVirtualChannelCount),
            "\(maximumVirtualChannelCount) virtual channels: a software device takes 1 to 1024")
        try check(
            minimumDescriptorCount >= 1 && minimumDescriptorCount <= maximumDescriptorCount
                && maximumDescriptorCount <= 32768,
            "\(minimumDescriptorCount) to \(maximumDescriptorCount) descriptors: 1 to 32768 are allowed")
        try check((1...64).contains(maximumEntryCount), "\(maximumEntryCount) list entries: 1 to 64 are allowed")
    }
}
