internal import ControllerProtocol
internal import DomainLink
internal import Glibc
internal import LinuxSystem
internal import Logging
internal import SystemPackage

/// The broker's part of the link. For the link's thread.
final class BrokerDelegate: DomainLinkDelegate {
    /// The descriptors of one connection, besides its socket.
    private final class Application {
        let process: OwnedDescriptor
        var bell: Bell?

        init(_ process: consuming OwnedDescriptor) {
            self.process = process
        }
    }

    /// A class, so that it can be absent.
    private final class Bell {
        let event: EventDescriptor

        init() throws(Errno) {
            event = try EventDescriptor()
        }
    }

    private let listener: BrokerListener
    private let region: BrokerRegion
    private let place: BrokerPlace
    private let published: Locked<BrokerStatistics>
    private let logger: Logger
    private var allocator = RegionAllocator(byteCount: 0)
    private var applications: [UInt32: Application] = [:]
    private var sources: BrokerSources
    private var domain: String?
    private var lastReason = "the host's controller has not answered yet"
    private var isConnectErrorLogged = false
    private var limiter = LogRateLimiter(), refusalLimiter = LogRateLimiter()
    /// Closed for a moment when no descriptors are left, so that a connection can be accepted and refused.
    private var spare: OwnedDescriptor?

    private static let listenerToken: UInt64 = 0
    private static let processBit: UInt64 = 1 << 40, bellBit: UInt64 = 1 << 41

    init(
        _ listener: BrokerListener, _ region: BrokerRegion, _ place: BrokerPlace,
        _ published: Locked<BrokerStatistics>, _ telemetry: @escaping @Sendable () -> [String: String],
        _ logger: Logger
    ) {
        sources = BrokerSources(telemetry)
        self.listener = listener
        self.region = region
        self.place = place
        self.published = published
        self.logger = logger
        spare = try? MemoryFile.make(name: "spare", byteCount: 0)
    }

    private var metadata: Logger.Metadata { ["channel": "\(place.channel)", "memory": "\(place.memory)"] }

    func started(_ link: DomainLinkLoop) {
        do throws(Errno) {
            try link.watch(listener.socket.raw, .readable, token: Self.listenerToken)
        } catch {
            logger.error("the control socket cannot be watched", metadata: ["error": "\(error)"])
        }
    }

    // MARK: Sessions

    func cannotConnect(_ error: Errno) {
        lastReason = "the channel to the host, \(place.channel), cannot be opened: \(error)"
        guard !isConnectErrorLogged else { return }
        isConnectErrorLogged = true
        logger.warning(
            "the channel to the host cannot be opened; it is tried again",
            metadata: metadata.merging(["error": "\(error)"]) { $1 })
    }

    func begin(_ welcome: LinkWelcome) throws(SessionFailure) {
        isConnectErrorLogged = false
        guard welcome.regionByteCount <= region.byteCount else {
            throw SessionFailure(
                "the host's memory of \(welcome.domain) has \(welcome.regionByteCount) bytes, and the guest's "
                    + "\(region.byteCount): both must be the same file")
        }
        allocator = RegionAllocator(byteCount: welcome.regionByteCount)
        domain = welcome.domain
        sources.sessionBegan()
        publish()
        logger.notice("connected to the host's controller", metadata: ["os_domain": "\(welcome.domain)"])
    }

    func sessionEnded(_ reason: String, on link: DomainLinkLoop) {
        domain = nil
        lastReason = reason
        for application in applications.values { unwatch(application, link) }
        applications = [:]
        allocator = RegionAllocator(byteCount: 0)
        publish()
        if let suppressed = limiter.admit() {
            logger.notice(
                "not connected to the host's controller; the greeting is repeated",
                metadata: ["reason": "\(reason)", "suppressed": "\(suppressed)"])
        }
    }

    func heartbeat(on link: DomainLinkLoop) {
        if let list = sources.newList() { link.send(list) }
    }

    func open(_ request: OpenRequest, as connection: UInt32, of link: DomainLinkLoop) -> OwnedDescriptor? {
        guard case .telemetry(let name) = request else { return nil }
        return sources.connect(to: name)
    }

    func closed(_ connection: UInt32, of link: DomainLinkLoop) {
        if let application = applications.removeValue(forKey: connection) { unwatch(application, link) }
        allocator.freeAll(of: connection)
        publish()
    }

    /// The bell has copies elsewhere: its events would be reported further.
    private func unwatch(_ application: Application, _ link: DomainLinkLoop) {
        link.unwatch(application.process.raw)
        if let bell = application.bell { link.unwatch(bell.event.raw) }
    }

    private func publish() {
        var statistics = BrokerStatistics()
        statistics.domain = domain
        statistics.connections = applications.count
        statistics.regionByteCount = allocator.byteCount
        statistics.allocatedByteCount = allocator.allocatedByteCount
        published.withLock { $0 = statistics }
    }

    // MARK: Applications

    func ready(_ token: UInt64, on link: DomainLinkLoop) {
        if token == Self.listenerToken { return accept(on: link) }
        let connection = UInt32(truncatingIfNeeded: token)
        if token & Self.processBit != 0 {
            // The socket can have copies in other processes. The process stays in the table until the host has closed.
            if let application = applications[connection] { link.unwatch(application.process.raw) }
            link.close(local: connection)
        } else if token & Self.bellBit != 0 {
            // Never read: the application shares the counter, and can make reading wait.
            link.ring(connection)
        }
    }

    private func accept(on link: DomainLinkLoop) {
        do throws(Errno) {
            let socket = try listener.socket.accept(nonblocking: true)
            let peer = try PeerCredentials(of: socket)
            let process = try ProcessDescriptor.ofPeer(socket)
            guard link.hasSession else {
                return refuse(socket, .connectionRefused, "the guest is not connected to its host: \(lastReason)")
            }
            // What cannot be told from others is one process for each connection.
            let identity = ProcessIdentity(of: process, pid: peer.pid)?.number ?? UInt64(nextUnknown())
            // Its messages carry no descriptors: their close could wait.
            try? SequencedPacketSocket.setTakesDescriptors(false, on: socket.raw)
            let request = OpenRequest.control(processID: peer.pid, userID: peer.uid, identity: identity)
            guard let connection = link.open(request, for: socket) else { return }
            let application = Application(process)
            applications[connection] = application
            publish()
            do throws(Errno) {
                try link.watch(
                    application.process.raw, [.readable, .edgeTriggered],
                    token: UInt64(connection) | Self.processBit)
            } catch {
                link.close(local: connection)
            }
        } catch {
            if error == .wouldBlock { return }
            logRefusal("\(error)")
            if error == .tooManyOpenFiles || error == .tooManyOpenFilesInSystem {
                spare = nil
                _ = try? listener.socket.accept(nonblocking: true)
                spare = try? MemoryFile.make(name: "spare", byteCount: 0)
            }
        }
    }

    private var unknownCount: UInt32 = 0

    private func nextUnknown() -> UInt32 {
        unknownCount &+= 1
        return unknownCount
    }

    private func refuse(_ socket: borrowing OwnedDescriptor, _ errno: Errno, _ reason: String) {
        logRefusal(reason)
        let bytes = Packet.encode(Failed(errno: errno.rawValue, reason: reason), sequence: 0)
        // Best effort: an error is ignored.
        _ = bytes.withUnsafeBytes { SequencedPacketSocket.send($0, on: socket.raw) }
    }

    private func logRefusal(_ reason: String) {
        guard let suppressed = refusalLimiter.admit() else { return }
        logger.notice(
            "refused the connection of an application",
            metadata: ["reason": "\(reason)", "suppressed": "\(suppressed)"])
    }

    // MARK: Packets

    func receivedLocally(
        _ packet: UnsafeRawBufferPointer, _ descriptors: inout ReceivedDescriptors, on connection: UInt32,
        of link: DomainLinkLoop
    ) -> Bool {
        // Others are connections to telemetry sockets.
        guard applications[connection] != nil else { return true }
        guard packet.count <= Packet.maximumLength, let header = try? Packet.header(of: packet) else {
            // The controller refuses what is invalid, and says why.
            return packet.count <= Packet.maximumLength
        }
        do throws(WireError) {
            switch header.kind {
            case .allocateMemory:
                allocate(try Packet.decode(from: packet), header.sequence, for: connection, on: link)
            case .freeMemory: free(try Packet.decode(from: packet), header.sequence, for: connection, on: link)
            default: return true
            }
            return false
        } catch {
            return true
        }
    }

    private func allocate(
        _ request: AllocateMemory, _ sequence: UInt32, for connection: UInt32, on link: DomainLinkLoop
    ) {
        do throws(RegionAllocator.Refusal) {
            let offset = try allocator.allocate(byteCount: request.byteCount, for: connection)
            publish()
            deliver(MemoryAllocated(offset: offset), sequence, to: connection, on: link)
        } catch {
            let reason =
                switch error {
                case .noSpace:
                    "\(request.byteCount) bytes of the memory shared with the host: \(allocator.allocatedByteCount) of "
                        + "\(allocator.byteCount) are in use"
                case .tooManyRanges:
                    "a connection has at most \(RegionAllocator.maximumRangesPerOwner) buffers of the memory shared with "
                        + "the host"
                }
            deliver(Failed(errno: Errno.noSpace.rawValue, reason: reason), sequence, to: connection, on: link)
        }
    }

    private func free(_ request: FreeMemory, _ sequence: UInt32, for connection: UInt32, on link: DomainLinkLoop) {
        guard allocator.free(request.offset, of: connection) else {
            let reason = "offset \(request.offset): no memory of this connection begins there"
            return deliver(
                Failed(errno: Errno.invalidArgument.rawValue, reason: reason), sequence, to: connection, on: link)
        }
        publish()
        deliver(Done(), sequence, to: connection, on: link)
    }

    private func deliver(
        _ message: some WireMessage, _ sequence: UInt32, to connection: UInt32, on link: DomainLinkLoop
    ) {
        Packet.withBytes(of: message, sequence: sequence) { link.deliver($0, to: connection) }
    }

    func received(_ packet: UnsafeRawBufferPointer, on connection: UInt32, of link: DomainLinkLoop) -> [CInt] {
        guard let application = applications[connection], application.bell == nil,
            let header = try? Packet.header(of: packet), header.kind == .welcome
        else { return [] }
        do throws(Errno) {
            let bell = try Bell()
            try link.watch(
                bell.event.raw, [.readable, .edgeTriggered], token: UInt64(connection) | Self.bellBit)
            application.bell = bell
            return [bell.event.raw, region.descriptor.raw]
        } catch {
            // The application sees a welcome that is not valid.
            logRefusal("\(error)")
            return []
        }
    }
}
