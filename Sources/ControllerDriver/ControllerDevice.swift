internal import ControllerProtocol
public import DMADev
public import DMAEngine
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
public final class ControllerDevice: RingDriver {
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

    /// The device's rings.
    public let rings: DeviceRings
    /// Where buffers for the device come from.
    public let memory: SharedMemory

    private let path: String
    private let users: Set<UInt32>
    let news = GroupNews()
    private let state: Locked<State>

    var connection: ControllerConnection { state.withLock { $0.connection } }

    private struct State {
        var connection: ControllerConnection
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
        rings = DeviceRings(DeviceProperties(connection.welcome))
        state = Locked(State(connection: connection))
    }

    // MARK: Rings

    /// Connects anew when the controller had gone.
    public func prepare() throws(DMAError) {
        guard !connection.isAlive else { return }
        let new = try ControllerConnection(path: path, users: users, news: news)
        guard new.welcome == connection.welcome else {
            throw DMAError(
                .system, .protocolError,
                "the controller at \(path) was started anew and offers another device than before: close this one")
        }
        state.withLock { $0 = State(connection: new) }
    }

    /// Asks the controller for the ring of a channel and maps it.
    public func makeRing(_ request: RingRequest) throws(DMAError) -> ApplicationRing {
        let connection = connection
        var attach = AttachRing(
            vchan: request.vchan, descriptorCount: request.channel.descriptorCount,
            maximumEntryCount: UInt16(request.layout.maximumEntries),
            sourceHandler: request.channel.domain.sourceHandler,
            destinationHandler: request.channel.domain.destinationHandler)
        if let faults = request.faults { attach.faults = try AttachRing.Faults(faults) }
        var answer = try connection.request(attach, for: RingAttached.self)
        guard let application = answer.descriptors.takeFirst(), let engine = answer.descriptors.takeFirst() else {
            throw DMAError(.system, .protocolError, "the controller's answer brings no memory for a ring")
        }
        let memory: RingMemory
        do throws(Errno) {
            memory = try RingMemory(layout: request.layout, applicationFile: application.raw, engineFile: engine.raw)
        } catch {
            throw DMAError(.system, error, "the ring of virtual channel \(request.vchan) cannot be mapped: \(error)")
        }
        return ApplicationRing(
            memory: memory, mode: request.configuration.flags,
            bell: EngineBell(word: connection.liveness.bellWord, event: connection.bell.raw),
            liveness: connection.liveness.word, owner: connection)
    }

    /// Has the controller stop the rings. Without a controller they have stopped already.
    public func end(_ rings: [ApplicationRing]) {
        if connection.isAlive { _ = try? connection.request(StopRings(), for: Done.self) }
    }

    /// Whether the controller is gone.
    public var isHalted: Bool { !connection.isAlive }

    /// Ends the connection: the device has left all groups, and its memory is out of reach, as soon as the controller has
    /// seen that.
    public func close() throws(DMAError) {
        news.forgetAll()
        connection.end()
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
