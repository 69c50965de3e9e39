internal import CDMATrace
internal import ControllerProtocol
public import DMADev
public import DMAEngine
internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// A DMA device of a controller: another process, trusted by all its clients, moves the bytes.
///
/// It reaches only memory of ``SharedMemory`` that was mapped for it, at addresses that the controller chooses, and
/// windows of other processes in access groups. When the connection ends, the device is halted: data calls return
/// `EIO`, and so do all control calls except stop and close; each of its groups reports *destroyed*. A stopped device
/// connects again when it is configured or started. Map memory again then: the new controller assigns other addresses.
/// In a child of `fork` the device is halted.
public final class ControllerDevice: RingDriver {
    /// Settings with defaults.
    public struct Options: Sendable {
        /// The source of the device's buffers; only this memory can be mapped. Not used on another operating system than the
        /// controller's: see ``makeBuffer(byteCount:)``.
        public var memory = SharedMemory()
        /// Users whose controllers are trusted with memory, in addition to the superuser and this user.
        public var trustedUsers: Set<UInt32> = []

        /// New shared memory, no additional trusted user.
        public init() {}
    }

    /// The name in `--device` and in `/dmadev/info`.
    public static let driverName = "controller"

    /// The configuration, rings and counters of the channels.
    public let rings: DeviceRings
    /// Allocates the buffers that the device can map.
    public let memory: SharedMemory

    private let path: String
    private let users: Set<UInt32>
    let groupCache = AccessGroupCache()
    private let state: Locked<State>

    var connection: ControllerConnection { state.withLock { $0.connection } }

    private struct State {
        let connection: ControllerConnection
        /// `nil` when memory is passed by descriptors.
        let region: RegionMemory?
        /// IOVAs of the mappings made over this connection.
        var mapped: Set<UInt64> = []

        init(_ connection: ControllerConnection) {
            self.connection = connection
            region = RegionMemory(of: connection)
        }
    }

    /// Contains all memory of the device; `nil`: memory is passed by descriptors.
    var region: RegionMemory? { state.withLock { $0.region } }

    /// Connects to a controller.
    ///
    /// - Parameter path: path of its control socket.
    /// - Parameter options: how the device differs from the standard one.
    /// - Throws: `ENOENT` or `ECONNREFUSED` when no controller listens, `EACCES` when it is not trusted or refuses this
    ///   user, `EDQUOT` when this user has too many devices, `EPROTONOSUPPORT` for another version.
    public init(path: String, options: Options = Options()) throws(DMAError) {
        self.path = path
        users = options.trustedUsers.union([0, geteuid()])
        memory = options.memory
        let connection = try ControllerConnection(path: path, users: users, groupCache: groupCache)
        rings = DeviceRings(DeviceProperties(connection.welcome))
        state = Locked(State(connection))
    }

    // MARK: Rings

    /// Connects again when the connection has ended.
    public func prepare() throws(DMAError) {
        guard !connection.isAlive else { return }
        let new = try ControllerConnection(path: path, users: users, groupCache: groupCache)
        // A controller of another release can be the same device.
        var welcome = new.welcome
        welcome.version = connection.welcome.version
        guard welcome == connection.welcome else {
            throw DMAError(
                .system, .protocolError,
                "the restarted controller at \(path) offers a different device: close this one and add a new one")
        }
        state.withLock { $0 = State(new) }
    }

    /// Requests the ring of a channel from the controller and maps it.
    public func makeRing(_ request: RingRequest) throws(DMAError) -> ApplicationRing {
        let (connection, region) = state.withLock { ($0.connection, $0.region) }
        var place: RegionBuffer?
        if let region { place = try region.allocate(byteCount: request.layout.byteCount) }
        var attach = AttachRing(
            vchan: request.vchan, descriptorCount: request.channel.descriptorCount,
            maximumEntryCount: UInt16(request.layout.maximumEntries), device: request.device,
            priority: request.configuration.priority,
            sourceHandler: request.channel.domain.sourceHandler,
            destinationHandler: request.channel.domain.destinationHandler, offset: place?.offset ?? 0)
        if let faults = request.faults { attach.faults = try AttachRing.Faults(faults) }
        let answer = try connection.request(attach, for: RingAttached.self)
        let number = answer.message.ring
        let memory: RingMemory
        if let place, let start = place.bytes.baseAddress {
            memory = RingMemory(layout: request.layout, at: start, in: place)
        } else {
            memory = try Self.memory(request, answer.descriptors)
        }
        _ = try connection.request(StartRing(vchan: request.vchan), for: Done.self)
        dmatrace_dmadev_engine_ring_mapped(number, request.device, request.vchan)
        let announcement: ApplicationRing.Announcement = { (target, wake) throws(DMAError) in
            try connection.watch(request.vchan, until: target, wake)
        }
        return ApplicationRing(
            memory: memory, mode: request.configuration.flags,
            bell: EngineBell(word: connection.liveness.bellWord, event: connection.bell.raw),
            liveness: connection.liveness.word, owner: connection,
            announcement: connection.announcesCompletions ? announcement : nil)
    }

    /// The memory of a ring whose two files came with the answer.
    private static func memory(
        _ request: RingRequest, _ descriptors: consuming ReceivedDescriptors
    ) throws(DMAError) -> RingMemory {
        var descriptors = descriptors
        guard let application = descriptors.takeFirst(), let engine = descriptors.takeFirst() else {
            throw DMAError(.system, .protocolError, "the controller's answer has no memory descriptors for the ring")
        }
        do throws(Errno) {
            return try RingMemory(
                layout: request.layout, applicationFile: application.raw, engineFile: engine.raw)
        } catch {
            throw DMAError(.system, error, "the ring of virtual channel \(request.vchan) cannot be mapped: \(error)")
        }
    }

    /// Requests that the controller stops the rings. Without a connection they have stopped already.
    public func end(_ rings: [ApplicationRing]) {
        if connection.isAlive { _ = try? connection.request(StopRings(), for: Done.self) }
    }

    /// Whether the connection has ended.
    public var isHalted: Bool { !connection.isAlive }

    /// Ends the connection. The controller then removes the device from all groups and unmaps its memory; this call
    /// does not wait for that.
    public func close() throws(DMAError) {
        groupCache.removeAll()
        connection.end()
    }

    // MARK: Memory

    /// Allocates a buffer of the device's shared memory; on another operating system than its controller, of the region that
    /// both share, until the connection ends: then the buffer is private memory, which no device reaches.
    public func makeBuffer(byteCount: Int) throws(DMAError) -> DeviceBuffer {
        if let region {
            let buffer = try region.allocate(byteCount: byteCount)
            return DeviceBuffer(buffer.bytes) { withExtendedLifetime(buffer) {} }
        }
        let buffer = try memory.allocate(byteCount: byteCount)
        return DeviceBuffer(buffer.bytes) { withExtendedLifetime(buffer) {} }
    }

    /// Maps a part of a buffer in the controller.
    ///
    /// - Parameter iova: must be `nil`: the controller chooses, so that no address of this process is used again.
    /// - Parameter byteCount: whole pages.
    /// - Parameter address: page-aligned, in a ``SharedBuffer``.
    /// - Throws: `EINVAL` for memory outside of a ``SharedBuffer``, for a range that is not whole pages, or for an
    ///   `iova`; `EDQUOT` when the user's quota is used up; `EIO` when the connection has ended.
    public func mapMemory(_ address: UInt64, byteCount: UInt64, iova: UInt64?) throws(DMAError) -> UInt64 {
        guard iova == nil else {
            throw DMAError(
                .invalidArgument, .invalidArgument, "iova: the controller chooses the addresses; pass nil")
        }
        let (connection, region) = state.withLock { ($0.connection, $0.region) }
        if let region {
            guard let offset = region.offset(of: address, byteCount) else { throw Self.notInRegion(address) }
            return try register(nil, offset, address, byteCount, connection)
        }
        let chosen = try memory.withFile(
            of: address, byteCount,
            { (file, offset) throws(DMAError) in try register(file, offset, address, byteCount, connection) })
        guard let chosen else {
            throw DMAError(
                .invalidArgument, .invalidArgument,
                "0x\(String(address, radix: 16)): only buffers of the device's shared memory and regions with a file "
                    + "can be mapped")
        }
        return chosen
    }

    /// Maps a region in the controller: its file.
    ///
    /// - Parameter region: without IOVAs.
    /// - Parameter iova: must be `nil`.
    /// - Throws: `EINVAL` for an `iova`, for a region with IOVAs, because the controller chooses them, and for one without
    ///   a file; `EDQUOT`; `EIO`; the reason for which the controller refuses the file.
    public func mapMemory(_ region: MemoryRegion, iova: UInt64?) throws(DMAError) -> UInt64 {
        guard iova == nil, !region.hasIOVAs else {
            throw DMAError(
                .invalidArgument, .invalidArgument,
                "the controller chooses the addresses: register the region without IOVAs, and pass no iova")
        }
        // A region without a file can be a part of the device's shared memory.
        guard let file = region.file else {
            return try mapMemory(region.address, byteCount: region.byteCount, iova: nil)
        }
        guard self.region == nil else { throw Self.notInRegion(region.address) }
        return try register(region.lentDescriptor, file.offset, region.address, region.byteCount, connection)
    }

    /// Maps the ranges of an attachment in the controller: a region by its file.
    public func importRanges(_ ranges: [MemoryRange], _ direction: MappingDirection) throws(DMAError) -> [UInt64] {
        // Only a region has a file, and a region is one range.
        guard ranges.count == 1, let range = ranges.first, let file = range.file else { return try mapEach(ranges) }
        guard region == nil else { throw Self.notInRegion(range.address) }
        return [try register(file.descriptor, file.offset, range.address, range.byteCount, connection)]
    }

    static func notInRegion(_ address: UInt64) -> DMAError {
        DMAError(
            .invalidArgument, .invalidArgument,
            "0x\(String(address, radix: 16)): the engine is on another operating system, and reaches only buffers that the "
                + "device has made since it was connected")
    }

    /// - Parameter file: `nil`: the memory is in the region.
    private func register(
        _ file: CInt?, _ offset: UInt64, _ address: UInt64, _ byteCount: UInt64, _ connection: ControllerConnection
    ) throws(DMAError) -> UInt64 {
        let page = UInt64(SharedMemory.page)
        guard address % page == 0, byteCount % page == 0 else {
            throw DMAError(
                .invalidArgument, .invalidArgument,
                "\(byteCount) bytes from 0x\(String(address, radix: 16)): both must be multiples of \(page)")
        }
        let chosen = try connection.request(
            RegisterMemory(offset: offset, byteCount: byteCount), descriptors: file.map { [$0] } ?? [],
            for: MemoryRegistered.self
        ).message.iova
        state.withLock { _ = $0.mapped.insert(chosen) }
        return chosen
    }

    /// Ends a mapping. When it returns, no engine accesses the memory any more.
    public func unmapMemory(iova: UInt64) throws(DMAError) {
        let (connection, isMapped) = state.withLock { ($0.connection, $0.mapped.remove(iova) != nil) }
        guard isMapped else {
            throw DMAError(
                .invalidArgument, .invalidArgument, "IOVA 0x\(String(iova, radix: 16)): no mapping starts there")
        }
        // The mapping ended with the connection.
        guard connection.isAlive else { return }
        _ = try connection.request(UnregisterMemory(iova: iova), for: Done.self)
    }
}

extension DeviceProperties {
    /// The controller's offer, limited to the capabilities that this driver supports.
    fileprivate init(_ welcome: Welcome) {
        self.init(
            driver: ControllerDevice.driverName,
            capabilities: Capabilities(rawValue: welcome.capabilities).intersection(ControllerDevice.capabilities),
            maximumVirtualChannelCount: welcome.maximumVirtualChannelCount,
            maximumDescriptorCount: welcome.maximumDescriptorCount,
            minimumDescriptorCount: welcome.minimumDescriptorCount, maximumEntryCount: welcome.maximumEntryCount,
            priorityCount: welcome.priorityCount, accessGroupCount: welcome.accessGroupCount,
            controllerID: welcome.controllerID,
            domainClass: .one, sharesEngine: true)
    }
}

extension ControllerDevice {
    /// All capabilities that this driver can forward.
    public static let capabilities: Capabilities = [
        .mem2mem, .silent, .handlesErrors, .strictPriority, .interProcessDomain, .interOSDomain, .copy,
        .copyScatterGather, .fill, .enqueueDequeue,
    ]
}
