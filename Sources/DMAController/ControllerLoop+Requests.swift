internal import ControllerProtocol
internal import DMADev
internal import DMAEngine
internal import GroupTable
internal import LinuxSystem
internal import SystemPackage

/// Why a request is refused: sent to the application as `Failed`.
struct Refusal: Error {
    let errno: Errno
    let reason: String

    init(_ errno: Errno, _ reason: String) {
        self.errno = errno
        self.reason = reason
    }
}

/// Requests of applications. A refused request has changed nothing.
extension ControllerLoop {
    /// - Throws: for a message that violates the protocol; the caller ends the connection.
    func handle(
        _ bytes: UnsafeRawBufferPointer, _ descriptors: inout ReceivedDescriptors, from peer: Peer
    ) throws(WireError) {
        let header = try Packet.header(of: bytes)
        guard header.sequence != 0 else { throw WireError("the request has sequence number 0; requests count from 1") }
        guard header.kind == .hello || peer.device != nil else { throw WireError("the first message is no greeting") }
        guard peer.stopping == nil, peer.waitingJoin == nil else {
            throw WireError("a request came before the previous one was answered")
        }
        let count = descriptors.count
        let needsFile = peer.region == nil && (header.kind == .registerMemory || header.kind == .openWindow)
        guard count == (needsFile ? 1 : 0) else {
            throw WireError(
                "the message has \(count) descriptors; memory and windows need 1, if they are not in a region, other "
                    + "requests 0")
        }
        let refusal: Refusal?
        switch header.kind {
        case .hello: refusal = greet(peer, try Packet.decode(from: bytes), header.sequence)
        case .attachRing: refusal = attach(peer, try Packet.decode(from: bytes), header.sequence)
        case .startRing: refusal = start(peer, try Packet.decode(from: bytes), header.sequence)
        case .stopRings:
            _ = try Packet.decode(StopRings.self, from: bytes)
            refusal = nil
            stop(peer, header.sequence)
        case .registerMemory:
            refusal = register(peer, try Packet.decode(from: bytes), &descriptors, header.sequence)
        case .unregisterMemory: refusal = unregister(peer, try Packet.decode(from: bytes), header.sequence)
        case .enterGroup: refusal = enter(peer, try Packet.decode(from: bytes), header.sequence)
        case .exitGroup: refusal = exit(peer, try Packet.decode(from: bytes), header.sequence)
        case .readGroup: refusal = describe(peer, try Packet.decode(from: bytes), header.sequence)
        case .openWindow: refusal = open(peer, try Packet.decode(from: bytes), &descriptors, header.sequence)
        case .closeWindow: refusal = close(peer, try Packet.decode(from: bytes), header.sequence)
        case .watchRing: refusal = watch(peer, try Packet.decode(from: bytes), header.sequence)
        case .checkHandler: refusal = check(peer, try Packet.decode(from: bytes), header.sequence)
        case .allocateMemory, .freeMemory:
            refusal = Refusal(
                .notSupported, "a controller shares out no memory: the broker of an operating system does")
        case .welcome, .done, .failed, .ringAttached, .memoryRegistered, .groupEntered, .groupMembers, .windowOpened,
            .groupChanged, .memoryAllocated, .ringPublished:
            throw WireError("\(header.kind) is an answer; applications send requests")
        }
        if let refusal { refuse(peer, refusal, header.sequence) }
    }

    func refuse(_ peer: Peer, _ refusal: Refusal, _ sequence: UInt32) {
        statistics.refusedRequests += 1
        peer.refusedRequests += 1
        changedPeers.insert(peer.number)
        if [.diskQuotaExceeded, .noSpace].contains(refusal.errno) { statistics.quotaRefusals += 1 }
        answer(peer, Failed(errno: refusal.errno.rawValue, reason: refusal.reason), sequence: sequence)
    }

    /// Answers a request with ``Done`` when the engine has passed a quiescent point and `body` has run.
    func answerAfterQuiescence(_ peer: Peer, _ sequence: UInt32, _ body: @escaping () -> Void) {
        peer.isBusy = true
        afterQuiescence(for: peer.tenant) { [self] in
            body()
            peer.isBusy = false
            if peers[peer.number] != nil {
                answer(peer, Done(), sequence: sequence)
                enqueue(peer)
            }
            deliver()
        }
    }

    private func greet(_ peer: Peer, _ hello: Hello, _ sequence: UInt32) -> Refusal? {
        guard peer.device == nil else { return Refusal(.invalidArgument, "the connection has already been greeted") }
        let versions = hello.lowestVersion...hello.highestVersion
        guard let version = Hello.common(with: versions) else {
            return Refusal(
                .protocolNotSupported, Hello.mismatch(application: versions, controller: Hello.version))
        }
        do throws(Errno) {
            let device = Peer.Device(
                bell: Peer.Bell(try EventDescriptor()), map: IOVAMap(engine: engine), domains: DomainMap(engine: engine)
            )
            try engine.watch(device.bell.event.raw)
            if peer.region == nil {
                // From now on messages can contain descriptors.
                if place.refusesDescriptors {
                    try SequencedPacketSocket.setTakesDescriptors(true, on: peer.socket.raw)
                }
                peer.socket.contents = .descriptors
            }
            peer.device = device
            let welcome = Welcome(
                version: version, controllerID: configuration.controllerID, capabilities: capabilities,
                maximumVirtualChannelCount: configuration.maximumVirtualChannelCount,
                maximumDescriptorCount: configuration.maximumDescriptorCount,
                minimumDescriptorCount: configuration.minimumDescriptorCount,
                maximumEntryCount: configuration.maximumEntryCount, accessGroupCount: configuration.accessGroupCount,
                priorityCount: Self.priorityCount, regionByteCount: UInt64(peer.region?.byteCount ?? 0))
            answer(peer, welcome, sequence: sequence, descriptors: [device.bell.event.raw])
            return nil
        } catch {
            return Refusal(error, "the controller cannot create a doorbell: \(error)")
        }
    }

    /// The capabilities of each device of a controller.
    private var capabilities: UInt64 {
        var all: Capabilities = [
            .mem2mem, .silent, .handlesErrors, .strictPriority, .interProcessDomain, .copy, .copyScatterGather, .fill,
            .enqueueDequeue,
        ]
        if !configuration.osDomains.isEmpty { all.insert(.interOSDomain) }
        return all.rawValue
    }

    /// Number of priorities among the devices of one tenant.
    static let priorityCount: UInt16 = 4
}
