public import CDMADev
internal import ControllerProtocol
public import DMADev
internal import DMAEngine
internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// A DMA device of a controller: another process moves the bytes, which is trusted by all who use it.
///
/// It reaches memory of ``SharedMemory`` that was mapped for it, under addresses that the controller chooses, and nothing
/// else of this process; and windows of other processes, in access groups. When the controller goes, the device is
/// halted: data calls return `EIO`, and so do control calls but stop and close; of each of its groups comes *destroyed*.
/// Stopped, it connects anew when it is configured or started; what was mapped has to be mapped again then, because
/// another controller gives other addresses. A child of `fork` finds the device halted.
public final class ControllerDevice: DMADriver {
    /// How a device differs from the usual.
    public struct Options: Sendable {
        /// Where the device's buffers come from; what it can map.
        public var memory = SharedMemory()
        /// Whose controllers are trusted with memory, beside the superuser's and this user's own.
        public var trustedUsers: Set<UInt32> = []

        /// The usual.
        public init() {}
    }

    /// The driver's name.
    public static let driverName = "controller"

    /// What the device is.
    public let properties: DeviceProperties
    /// Where buffers for the device come from.
    public let memory: SharedMemory

    private let path: String
    private let users: Set<UInt32>
    let news = GroupNews()
    /// The device's number in this process, -1 before it has one.
    let number = Locked<Int16>(-1)
    private let state: Locked<State>

    var connection: ControllerConnection { state.withLock { $0.connection } }

    private struct State {
        var connection: ControllerConnection
        var configuration: DeviceConfiguration?
        var channels: [UInt16: VirtualChannelConfiguration] = [:]
        /// By channel while started.
        var rings: [ControllerRing] = []
        var dataPath: ControllerDataPath?
        /// What rings of earlier starts have counted.
        var totals: [UInt16: ChannelDetails] = [:]
        /// Where what was mapped over this connection begins.
        var mapped: Set<UInt64> = []
    }

    /// Connects with a controller.
    ///
    /// - Parameter path: of its control socket.
    /// - Throws: `ENOENT` or `ECONNREFUSED` when none is there, `EACCES` when it is not one to trust or not open to this
    ///   user, `EDQUOT` when this user has too many devices, `EPROTONOSUPPORT` for another version.
    public init(path: String, options: Options = Options()) throws(DMAError) {
        self.path = path
        users = options.trustedUsers.union([0, geteuid()])
        memory = options.memory
        let connection = try ControllerConnection(path: path, users: users, news: news)
        properties = DeviceProperties(connection.welcome)
        state = Locked(State(connection: connection))
    }

    // MARK: Control

    /// The number is for traces of this process and for other members to see; the controller has its own.
    public func registered(as id: Int16) { number.withLock { $0 = id } }

    /// Forgets the channels, and connects anew when the controller had gone.
    public func configure(_ configuration: DeviceConfiguration) throws(DMAError) {
        _ = try liveConnection()
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
            if state.totals[vchan] == nil { state.totals[vchan] = ChannelDetails() }
        }
    }

    /// Asks for the rings and maps them.
    public func start(_ path: inout dmadev_data_path) throws(DMAError) {
        let connection = try liveConnection()
        let (channels, mode) = state.withLock { ($0.channels, $0.configuration?.flags ?? []) }
        var rings: [ControllerRing] = []
        do throws(DMAError) {
            for (vchan, channel) in channels.sorted(by: { $0.key < $1.key }) {
                rings.append(
                    try ControllerRing(
                        vchan, descriptorCount: channel.descriptorCount,
                        domain: channel.domain, maximumEntryCount: properties.maximumEntryCount, mode: mode,
                        on: connection))
            }
        } catch {
            // The rings before the one that was refused.
            _ = try? connection.request(StopRings(), for: Done.self)
            throw error
        }
        let dataPath = ControllerDataPath(rings)
        dataPath.fill(&path, properties.capabilities, mode)
        state.withLock { [rings] state in
            state.rings = rings
            state.dataPath = dataPath
        }
    }

    /// Has the controller stop the rings. Without a controller they have stopped already.
    public func stop() throws(DMAError) {
        let connection = state.withLock { $0.connection }
        if connection.isAlive { _ = try? connection.request(StopRings(), for: Done.self) }
        state.withLock { state in
            // The engine has answered, or is gone: these are the last counts.
            for (vchan, ring) in state.rings.enumerated() {
                state.totals[UInt16(vchan), default: ChannelDetails()] =
                    state.totals[UInt16(vchan), default: ChannelDetails()] + ring.details
            }
            state.rings = []
            state.dataPath = nil
        }
    }

    /// Ends the connection: the device has left all groups, and its memory is out of reach, as soon as the controller has
    /// seen that.
    public func close() throws(DMAError) {
        news.forgetAll()
        connection.end()
    }

    /// The connection, or a new one when the controller had gone.
    private func liveConnection() throws(DMAError) -> ControllerConnection {
        let connection = state.withLock { $0.connection }
        if connection.isAlive { return connection }
        let new = try ControllerConnection(path: path, users: users, news: news)
        guard DeviceProperties(new.welcome) == properties else {
            throw DMAError(
                .system, .protocolError,
                "the controller at \(path) was started anew and offers another device than before: close this one")
        }
        state.withLock { state in
            state.connection = new
            state.mapped = []
        }
        return new
    }

    // MARK: Memory

    /// Makes a buffer of the device's shared memory.
    public func makeBuffer(byteCount: Int) throws(DMAError) -> DeviceBuffer {
        let buffer = try memory.allocate(byteCount: byteCount)
        return DeviceBuffer(buffer.bytes) { withExtendedLifetime(buffer) {} }
    }

    /// Gives the controller a part of a buffer.
    ///
    /// - Parameter iova: `nil`: the controller chooses, so that addresses of different processes never meet.
    /// - Throws: `EINVAL` for memory that is no part of a ``SharedBuffer``, is not whole pages, or shall have an address of
    ///   the application's choice; `EDQUOT` when this user may have no more; `EIO` when the controller is gone.
    public func mapMemory(_ address: UInt64, byteCount: UInt64, iova: UInt64?) throws(DMAError) -> UInt64 {
        guard iova == nil else {
            throw DMAError(
                .invalidArgument, .invalidArgument, "iova: the controller chooses the addresses; ask for none")
        }
        let page = UInt64(SharedMemory.page)
        guard address % page == 0, byteCount % page == 0 else {
            throw DMAError(
                .invalidArgument, .invalidArgument,
                "\(byteCount) bytes from 0x\(String(address, radix: 16)): both are multiples of \(page)")
        }
        let connection = state.withLock { $0.connection }
        guard
            let chosen = try memory.withFile(
                of: address, byteCount,
                { (file, offset) throws(DMAError) in
                    try connection.request(
                        RegisterMemory(offset: offset, byteCount: byteCount), descriptors: [file],
                        for: MemoryRegistered.self
                    ).message.iova
                })
        else {
            throw DMAError(
                .invalidArgument, .invalidArgument,
                "0x\(String(address, radix: 16)): another process reaches only buffers of the device's shared memory")
        }
        state.withLock { _ = $0.mapped.insert(chosen) }
        return chosen
    }

    /// Takes memory back. When it returns, no engine touches it any more.
    public func unmapMemory(iova: UInt64) throws(DMAError) {
        let (connection, isMapped) = state.withLock { ($0.connection, $0.mapped.remove(iova) != nil) }
        guard isMapped else {
            throw DMAError(
                .invalidArgument, .invalidArgument, "IOVA 0x\(String(iova, radix: 16)): no mapping begins there")
        }
        // Without a controller there is nothing left to take back.
        guard connection.isAlive else { return }
        _ = try connection.request(UnregisterMemory(iova: iova), for: Done.self)
    }

    // MARK: Reading

    /// What a channel has done since the device was made.
    public func counters(of vchan: UInt16) -> Statistics {
        details(of: vchan)?.statistics ?? Statistics()
    }

    /// All that a channel has counted.
    public func details(of vchan: UInt16) -> ChannelDetails? {
        // Both under one lock: a stop moves counts from one to the other.
        state.withLock { state in
            guard let total = state.totals[vchan] else { return nil }
            return Int(vchan) < state.rings.count ? total + state.rings[Int(vchan)].details : total
        }
    }

    /// What a channel is doing; a stopped one is idle as long as there is a controller.
    public func status(of vchan: UInt16) -> VirtualChannelStatus {
        state.withLock { state in
            Int(vchan) < state.rings.count
                ? state.rings[Int(vchan)].status : state.connection.isAlive ? .idle : .haltedError
        }
    }

    /// How a channel's ring is used.
    public func ringUse(of vchan: UInt16) -> RingUse? {
        let ring = state.withLock { Int(vchan) < $0.rings.count ? $0.rings[Int(vchan)] : nil }
        guard let use = ring?.producer.occupancy else { return nil }
        return RingUse(
            empty: use.empty, pending: use.pending, running: use.running, completed: use.completed,
            nextIndex: use.nextIndex, lastIndex: use.lastIndex)
    }
}

extension DeviceProperties {
    /// What a controller offers, as far as this driver knows it.
    fileprivate init(_ welcome: Welcome) {
        self.init(
            driver: ControllerDevice.driverName,
            capabilities: Capabilities(rawValue: welcome.capabilities).intersection(ControllerDevice.capabilities),
            maximumVirtualChannelCount: welcome.maximumVirtualChannelCount,
            maximumDescriptorCount: welcome.maximumDescriptorCount,
            minimumDescriptorCount: welcome.minimumDescriptorCount, maximumEntryCount: welcome.maximumEntryCount,
            accessGroupCount: welcome.accessGroupCount, controllerID: welcome.controllerID,
            domainClass: .one, sharesEngine: true)
    }
}

extension ControllerDevice {
    /// Everything that this driver knows how to pass on.
    public static let capabilities: Capabilities = [
        .mem2mem, .silent, .handlesErrors, .interProcessDomain, .copy, .copyScatterGather, .fill, .enqueueDequeue,
    ]
}
