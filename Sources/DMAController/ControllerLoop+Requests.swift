internal import ControllerProtocol
internal import DMADev
internal import DMAEngine
internal import GroupTable
internal import LinuxSystem
internal import SystemPackage

/// Why a request is refused.
struct Refusal: Error {
    let errno: Errno
    let reason: String

    init(_ errno: Errno, _ reason: String) {
        self.errno = errno
        self.reason = reason
    }
}

/// What applications ask for. A request that is refused has changed nothing.
extension ControllerLoop {
    /// - Throws: what no application sends.
    func handle(
        _ bytes: UnsafeRawBufferPointer, _ descriptors: inout ReceivedDescriptors, from peer: Peer
    ) throws(WireError) {
        let header = try Packet.header(of: bytes)
        guard header.sequence != 0 else { throw WireError("a request has a sequence number from 1") }
        guard header.kind == .hello || peer.device != nil else { throw WireError("the first message is a greeting") }
        guard peer.stopping == nil, !peer.isWaitingForJoin else {
            throw WireError("a request before the answer to the one before")
        }
        let count = descriptors.count
        guard count == (header.kind == .registerMemory || header.kind == .openWindow ? 1 : 0) else {
            throw WireError("\(count) descriptors came; memory and windows bring 1, other requests none")
        }
        let refusal: Refusal?
        switch header.kind {
        case .hello: refusal = greet(peer, try Packet.decode(from: bytes), header.sequence)
        case .attachRing: refusal = attach(peer, try Packet.decode(from: bytes), header.sequence)
        case .stopRings:
            _ = try Packet.decode(StopRings.self, from: bytes)
            refusal = nil
            stop(peer, header.sequence)
        case .registerMemory:
            refusal = register(peer, try Packet.decode(from: bytes), &descriptors, header.sequence)
        case .unregisterMemory: refusal = unregister(peer, try Packet.decode(from: bytes), header.sequence)
        case .enterGroup: refusal = enter(peer, try Packet.decode(from: bytes), header.sequence)
        case .exitGroup: refusal = exit(peer, try Packet.decode(from: bytes), header.sequence)
        case .askGroup: refusal = describe(peer, try Packet.decode(from: bytes), header.sequence)
        case .openWindow: refusal = open(peer, try Packet.decode(from: bytes), &descriptors, header.sequence)
        case .closeWindow: refusal = close(peer, try Packet.decode(from: bytes), header.sequence)
        case .checkHandler: refusal = check(peer, try Packet.decode(from: bytes), header.sequence)
        case .welcome, .done, .failed, .ringAttached, .memoryRegistered, .groupEntered, .groupMember, .windowOpened,
            .groupChanged:
            throw WireError("\(header.kind) is an answer; applications send requests")
        }
        if let refusal { refuse(peer, refusal, header.sequence) }
    }

    func refuse(_ peer: Peer, _ refusal: Refusal, _ sequence: UInt32) {
        statistics.refusedRequests += 1
        peer.refusedRequests += 1
        if [.diskQuotaExceeded, .noSpace].contains(refusal.errno) { statistics.quotaRefusals += 1 }
        answer(peer, Failed(errno: refusal.errno.rawValue, reason: refusal.reason), sequence: sequence)
    }

    private func greet(_ peer: Peer, _ hello: Hello, _ sequence: UInt32) -> Refusal? {
        guard peer.device == nil else { return Refusal(.invalidArgument, "the connection has been greeted before") }
        guard (hello.lowestVersion...hello.highestVersion).contains(Hello.version) else {
            return Refusal(
                .protocolNotSupported,
                "versions \(hello.lowestVersion) to \(hello.highestVersion) of the protocol: this controller speaks "
                    + "\(Hello.version)")
        }
        do throws(Errno) {
            let device = Peer.Device(
                bell: Peer.Bell(try EventDescriptor()), map: IOVAMap(engine: engine), domains: DomainMap(engine: engine)
            )
            try engine.watch(device.bell.event.raw)
            // From now on there are messages that bring some.
            if place.refusesDescriptors {
                try SequencedPacketSocket.setTakesDescriptors(true, on: peer.socket.raw)
            }
            peer.socket.contents = .descriptors
            peer.device = device
            let welcome = Welcome(
                controllerID: configuration.controllerID, capabilities: Self.capabilities,
                maximumVirtualChannelCount: configuration.maximumVirtualChannelCount,
                maximumDescriptorCount: configuration.maximumDescriptorCount,
                minimumDescriptorCount: configuration.minimumDescriptorCount,
                maximumEntryCount: configuration.maximumEntryCount, accessGroupCount: configuration.accessGroupCount)
            answer(peer, welcome, sequence: sequence, descriptors: [device.bell.event.raw])
            return nil
        } catch {
            return Refusal(error, "the controller cannot make a bell: \(error)")
        }
    }

    /// What a device of a controller does.
    static let capabilities: UInt64 =
        Capabilities([
            .mem2mem, .silent, .handlesErrors, .interProcessDomain, .copy, .copyScatterGather, .fill, .enqueueDequeue,
        ]).rawValue

    // MARK: Rings

    private func attach(_ peer: Peer, _ request: AttachRing, _ sequence: UInt32) -> Refusal? {
        guard let device = peer.device else { return Refusal(.invalidArgument, "there is no device") }
        guard request.vchan < configuration.maximumVirtualChannelCount else {
            return Refusal(
                .invalidArgument,
                "virtual channel \(request.vchan): there are 0 to \(configuration.maximumVirtualChannelCount - 1)")
        }
        guard peer.rings[request.vchan] == nil else {
            return Refusal(.fileExists, "virtual channel \(request.vchan) has a ring; it has one at a time")
        }
        let counts = configuration.minimumDescriptorCount...configuration.maximumDescriptorCount
        guard counts.contains(request.descriptorCount) else {
            return Refusal(
                .invalidArgument,
                "\(request.descriptorCount) descriptors: a ring has \(counts.lowerBound) to \(counts.upperBound)")
        }
        guard request.maximumEntryCount <= configuration.maximumEntryCount else {
            return Refusal(
                .invalidArgument,
                "\(request.maximumEntryCount) entries: a list has at most \(configuration.maximumEntryCount)")
        }
        let handlers = [request.sourceHandler, request.destinationHandler].filter { $0 != 0 }
        if let dead = handlers.first(where: { !groups.mayUse($0, peer.client) }) { return Self.deadHandler(dead) }
        var faults: RingFaults?
        if let asked = request.faults {
            let halt = peer.halt ?? DeviceHalt(isHalted: asked.isHalted)
            do throws(DMAError) {
                faults = try RingFaults(asked, halt: halt)
            } catch {
                return Refusal(error.errno, error.message)
            }
            peer.halt = halt
        }
        let layout = RingLayout(
            descriptorCount: Int(request.descriptorCount), maximumEntries: Int(request.maximumEntryCount))
        let amount = QuotaLedger.Amount(rings: 1, bytes: UInt64(layout.byteCount))
        if let full = ledger.charge(peer.credentials.uid, amount) { return Refusal(.diskQuotaExceeded, full) }
        do throws(Errno) {
            let memory = try SharedRingMemory(layout: layout)
            var ring = EngineRing.Configuration()
            ring.source = .mapped(device.map)
            ring.destination = .mapped(device.map)
            ring.domains = (device.domains, request.sourceHandler, request.destinationHandler)
            ring.faults = faults
            ring.device = Int16(truncatingIfNeeded: peer.number & 0x7FFF)
            ring.vchan = request.vchan
            peer.rings[request.vchan] = Peer.Ring(
                ring: EngineRing(ring, memory: memory.memory, engine: engine), memory: memory.memory,
                amount: amount, handlers: handlers.filter { groups.hold($0, by: peer.client) })
            answer(
                peer, RingAttached(vchan: request.vchan), sequence: sequence,
                descriptors: [memory.applicationFile.raw, memory.engineFile.raw])
            return nil
        } catch {
            ledger.release(peer.credentials.uid, amount)
            return Refusal(error, "the controller cannot make the ring of virtual channel \(request.vchan): \(error)")
        }
    }

    private func stop(_ peer: Peer, _ sequence: UInt32) {
        let rings = peer.rings.values.map(\.ring)
        for ring in rings { ring.detach() }
        peer.stopping = Peer.Stopping(sequence: sequence, rings: rings)
    }

    /// Moves the next part of each operation that runs to its end because its ring was stopped: how long it is does not
    /// concern the other peers.
    func advanceStops() {
        for peer in Array(peers.values) {
            // It may have gone with the answer to an earlier one of these.
            guard peers[peer.number] != nil, var stopping = peer.stopping else { continue }
            stopping.rings.removeAll { !$0.finishPart() }
            guard stopping.rings.isEmpty else {
                peer.stopping = stopping
                continue
            }
            for ring in peer.rings.values {
                ring.ring.abortRest()
                keepCounts(of: ring, for: peer)
                ledger.release(peer.credentials.uid, ring.amount)
                ring.handlers.forEach { groups.release($0) }
            }
            peer.rings = [:]
            peer.halt = nil
            peer.stopping = nil
            answer(peer, Done(), sequence: stopping.sequence)
        }
    }

    // MARK: Memory

    private static let page: UInt64 = 4096

    private func register(
        _ peer: Peer, _ request: RegisterMemory, _ descriptors: inout ReceivedDescriptors, _ sequence: UInt32
    ) -> Refusal? {
        guard let device = peer.device else { return Refusal(.invalidArgument, "there is no device") }
        let mapped = map(
            &descriptors, offset: request.offset, byteCount: request.byteCount, isWritable: request.isWritable,
            for: peer)
        let window: Peer.Window
        switch mapped {
        case .failure(let refusal): return refusal
        case .success(let found): window = found
        }
        let iova = nextIOVA
        let address = UInt64(UInt(bitPattern: window.mapping.bytes.baseAddress))
        guard device.map.insert(iova: iova, byteCount: request.byteCount, address: address) else {
            ledger.release(peer.credentials.uid, window.amount)
            return Refusal(.noSpace, "no addresses are left")
        }
        // A page is left out between, so that what runs over an end meets nobody.
        nextIOVA += request.byteCount + Self.page
        peer.windows[iova] = window
        answer(peer, MemoryRegistered(iova: iova), sequence: sequence)
        return nil
    }

    /// Maps a part of a file that a peer has sent, once it is known that it cannot become shorter, and charges for it.
    func map(
        _ descriptors: inout ReceivedDescriptors, offset: UInt64, byteCount: UInt64, isWritable: Bool, for peer: Peer
    ) -> Result<Peer.Window, Refusal> {
        // The seals come first: no other question to a stranger's descriptor is sure to be answered. Until then it stays
        // with those that are closed elsewhere.
        let seals = descriptors.first.flatMap { raw in try? MemoryFile.seals(of: raw) }
        guard let seals, seals.contains(.shrink), let file = descriptors.takeFirst() else {
            return .failure(
                Refusal(
                    .invalidArgument,
                    "the descriptor: memory is a file of memfd_create that was sealed with F_SEAL_SHRINK"))
        }
        let (end, overflow) = offset.addingReportingOverflow(byteCount)
        guard byteCount > 0, !overflow, offset % Self.page == 0, byteCount % Self.page == 0 else {
            return .failure(
                Refusal(
                    .invalidArgument,
                    "\(byteCount) bytes from \(offset): both are multiples of \(Self.page), and there is 1 page at least"
                ))
        }
        guard let size = try? MemoryFile.byteCount(of: file.raw), end <= UInt64(max(size, 0)),
            let pageSize = try? MemoryFile.pageSize(of: file.raw)
        else {
            return .failure(Refusal(.invalidArgument, "\(byteCount) bytes from \(offset): the file ends before"))
        }
        // Whole pages can become this process's, if the owner has punched holes: huge ones, too. Their end is no more
        // than the file's length.
        let pages = MemoryFile.pages(of: Int(byteCount), at: Int(offset), size: pageSize)
        let amount = QuotaLedger.Amount(windows: 1, bytes: UInt64(pages.count))
        if let full = ledger.charge(peer.credentials.uid, amount) { return .failure(Refusal(.diskQuotaExceeded, full)) }
        do throws(Errno) {
            let mapping = try SharedMapping(
                of: file.raw, offset: Int(offset), byteCount: Int(byteCount), isWritable: isWritable)
            return .success(Peer.Window(mapping: mapping, amount: amount))
        } catch {
            ledger.release(peer.credentials.uid, amount)
            return .failure(Refusal(error, "the memory cannot be mapped: \(error)"))
        }
    }

    private func unregister(_ peer: Peer, _ request: UnregisterMemory, _ sequence: UInt32) -> Refusal? {
        guard let device = peer.device, let window = peer.windows.removeValue(forKey: request.iova) else {
            return Refusal(.invalidArgument, "IOVA 0x\(String(request.iova, radix: 16)): no registration begins there")
        }
        // When this returns, the engine has passed a quiescent point.
        _ = device.map.remove(at: request.iova)
        ledger.release(peer.credentials.uid, window.amount)
        closer.release([window.mapping])
        answer(peer, Done(), sequence: sequence)
        return nil
    }
}
