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

    // MARK: Rings

    private func attach(_ peer: Peer, _ request: AttachRing, _ sequence: UInt32) -> Refusal? {
        guard let device = peer.device else { return Refusal(.invalidArgument, "there is no device") }
        guard request.vchan < configuration.maximumVirtualChannelCount else {
            return Refusal(
                .invalidArgument,
                "virtual channel \(request.vchan): there are 0 to \(configuration.maximumVirtualChannelCount - 1)")
        }
        guard peer.rings[request.vchan] == nil, peer.newRings[request.vchan] == nil else {
            return Refusal(.fileExists, "virtual channel \(request.vchan) already has a ring; stop the rings first")
        }
        let counts = configuration.minimumDescriptorCount...configuration.maximumDescriptorCount
        guard counts.contains(request.descriptorCount) else {
            return Refusal(
                .invalidArgument,
                "\(request.descriptorCount) descriptors: a ring can have \(counts.lowerBound) to \(counts.upperBound)")
        }
        guard request.maximumEntryCount <= configuration.maximumEntryCount else {
            return Refusal(
                .invalidArgument,
                "\(request.maximumEntryCount) entries: a list can have at most \(configuration.maximumEntryCount)")
        }
        guard request.priority < Self.priorityCount else {
            return Refusal(
                .invalidArgument, "priority \(request.priority): the allowed range is 0 to \(Self.priorityCount - 1)")
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
        let place: Range<Int>?
        do throws(Refusal) {
            place = try peer.region.map { region throws(Refusal) in try Self.place(request.offset, layout, in: region) }
        } catch {
            return error
        }
        removeEnded(request.vchan, of: peer)
        if let full = ledger.charge(peer.tenant, amount) { return Refusal(.diskQuotaExceeded, full) }
        do throws(Errno) {
            let files = place == nil ? Peer.RingFiles(try SharedRingMemory(layout: layout)) : nil
            guard let memory = files?.memory.memory ?? Self.memory(layout, place, peer.region) else {
                throw Errno.noMemory
            }
            var ring = EngineRing.Configuration()
            ring.source = .mapped(device.map)
            ring.destination = .mapped(device.map)
            ring.domains = (device.domains, request.sourceHandler, request.destinationHandler)
            ring.hasSynchronizedMemory = true
            ring.faults = faults
            ring.priority = request.priority
            ring.hasGlobalPriority = configuration.hasGlobalPriorities
            ring.device = request.device
            ring.vchan = request.vchan
            let number = EngineRing.newNumber()
            ring.number = number
            ring.peer = EngineRing.Peer(
                processID: peer.processID, connection: peer.number, tenant: ledger.number(of: peer.tenant))
            let new = Peer.NewRing(
                memory, files, ring, amount: amount, handlers: handlers.filter { groups.hold($0, by: peer.client) })
            peer.newRings[request.vchan] = new
            changedPeers.insert(peer.number)
            answer(
                peer, RingAttached(vchan: request.vchan, ring: number), sequence: sequence,
                descriptors: files.map { [$0.memory.applicationFile.raw, $0.memory.engineFile.raw] } ?? [])
            return nil
        } catch {
            ledger.release(peer.tenant, amount)
            return Refusal(error, "the controller cannot create the ring of virtual channel \(request.vchan): \(error)")
        }
    }

    /// The place of a ring in a region.
    private static func place(
        _ offset: UInt64, _ layout: RingLayout, in region: SharedRegion
    ) throws(Refusal) -> Range<Int> {
        guard let range = range(offset, UInt64(layout.byteCount), in: region) else {
            throw Refusal(
                .invalidArgument,
                "offset \(offset) for the \(layout.byteCount) bytes of a ring: it must be a multiple of \(page), and the "
                    + "ring in the \(region.byteCount) bytes of the region")
        }
        return range
    }

    private static func memory(_ layout: RingLayout, _ place: Range<Int>?, _ region: SharedRegion?) -> RingMemory? {
        guard let place, let region, let start = region.mapping.bytes.baseAddress else { return nil }
        return RingMemory(layout: layout, servedAt: start + place.lowerBound, in: region)
    }

    private func start(_ peer: Peer, _ request: StartRing, _ sequence: UInt32) -> Refusal? {
        guard let new = peer.newRings[request.vchan] else {
            return Refusal(.invalidArgument, "virtual channel \(request.vchan): no ring was attached that can start")
        }
        guard new.files?.memory.isCharged != false else {
            return Refusal(
                .badAddress, "virtual channel \(request.vchan): map the engine's file and read each page of it first")
        }
        peer.newRings[request.vchan] = nil
        peer.rings[request.vchan] = Peer.Ring(
            ring: EngineRing(new.configuration, memory: new.memory, engine: engine), memory: new.memory,
            amount: new.amount, handlers: new.handlers)
        changedPeers.insert(peer.number)
        answer(peer, Done(), sequence: sequence)
        return nil
    }

    private func stop(_ peer: Peer, _ sequence: UInt32) {
        removeNew(of: peer)
        let rings = peer.rings.values.map(\.ring)
        peer.stopping = Peer.Stopping(sequence: sequence, vchans: Array(peer.rings.keys))
        _ = EngineRing.startDetaching(rings, from: engine)
        afterQuiescence(for: peer.tenant) { [self] in
            for ring in rings { ring.wasDetached() }
            queue.add(.stop(peer.number), for: peer.tenant)
        }
    }

    /// Moves the next part of the operation that was running when a ring was stopped, or removes the ring. In parts, so
    /// that a long operation does not delay the other peers.
    func advanceStop(_ peer: Peer) {
        guard let stopping = peer.stopping else { return }
        if let vchan = stopping.vchans.last {
            if peer.rings[vchan]?.ring.finishPart() != true {
                removeRing(vchan, of: peer)
                peer.stopping?.vchans.removeLast()
            }
            return queue.add(.stop(peer.number), for: peer.tenant)
        }
        peer.halt = nil
        peer.stopping = nil
        answer(peer, Done(), sequence: stopping.sequence)
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
        let address = UInt64(UInt(bitPattern: window.region.bytes.baseAddress))
        guard let iova = processes.takeAddresses(request.byteCount, of: peer.client.process),
            let old = device.map.add(
                iova: iova, byteCount: request.byteCount, address: address,
                synchronized: window.region.synchronized)
        else {
            ledger.release(peer.tenant, window.amount)
            return Refusal(.noSpace, ProcessTable.addressesUsedUp)
        }
        retire(old)
        peer.windows[iova] = window
        changedPeers.insert(peer.number)
        answerAfterPopulating(window, peer, MemoryRegistered(iova: iova), sequence: sequence)
        return nil
    }

    /// Maps a part of a file from a peer and charges for it, after a check that the file cannot shrink.
    func map(
        _ descriptors: inout ReceivedDescriptors, offset: UInt64, byteCount: UInt64, isWritable: Bool, for peer: Peer
    ) -> Result<Peer.Window, Refusal> {
        if let region = peer.region {
            return map(region, offset: offset, byteCount: byteCount, isWritable: isWritable, for: peer)
        }
        // Check the seals first: any other system call on a descriptor from an untrusted peer can block. Until the kind of
        // the file is known it stays in `descriptors`, which `blockingCalls` closes.
        let seals = descriptors.first.flatMap { raw in try? MemoryFile.seals(of: raw) }
        guard let seals, seals.contains(.shrink), let file = descriptors.takeFirst() else {
            return mapBuffer(&descriptors, offset: offset, byteCount: byteCount, isWritable: isWritable, for: peer)
        }
        let (end, overflow) = offset.addingReportingOverflow(byteCount)
        guard byteCount > 0, !overflow, offset % Self.page == 0, byteCount % Self.page == 0 else {
            return .failure(
                Refusal(
                    .invalidArgument,
                    "\(byteCount) bytes from \(offset): both must be multiples of \(Self.page), with at least 1 page"
                ))
        }
        guard let size = try? MemoryFile.byteCount(of: file.raw), end <= UInt64(max(size, 0)),
            let pageSize = try? MemoryFile.pageSize(of: file.raw)
        else {
            return .failure(Refusal(.invalidArgument, "\(byteCount) bytes from \(offset): the file is shorter"))
        }
        // Charged are whole pages, huge ones too. They end within the file's length.
        let pages = MemoryFile.pages(of: Int(byteCount), at: Int(offset), size: pageSize)
        var amount = QuotaLedger.Amount(windows: 1, bytes: UInt64(pages.count))
        if let full = ledger.charge(peer.tenant, amount) { return .failure(Refusal(.diskQuotaExceeded, full)) }
        do throws(Refusal) {
            let region = try memory.map(
                file.raw, Int(offset)..<Int(end), isWritable: isWritable, of: peer.tenant)
            if let whole = region.whole {
                // The file is charged instead.
                ledger.release(peer.tenant, QuotaLedger.Amount(bytes: amount.bytes))
                amount.bytes = 0
                if let refusal = keep(whole, for: peer) {
                    blockingCalls.release([region.mapping])
                    throw refusal
                }
            }
            return .success(Peer.Window(region: region, amount: amount))
        } catch {
            ledger.release(peer.tenant, amount)
            return .failure(error)
        }
    }

    /// The same for a part of a region, which stays mapped as a whole.
    private func map(
        _ region: SharedRegion, offset: UInt64, byteCount: UInt64, isWritable: Bool, for peer: Peer
    ) -> Result<Peer.Window, Refusal> {
        guard let range = Self.range(offset, byteCount, in: region) else {
            return .failure(
                Refusal(
                    .invalidArgument,
                    "\(byteCount) bytes from \(offset): both must be multiples of \(Self.page), with at least 1 page, in "
                        + "the \(region.byteCount) bytes of the region"))
        }
        let amount = QuotaLedger.Amount(windows: 1, bytes: byteCount)
        if let full = ledger.charge(peer.tenant, amount) { return .failure(Refusal(.diskQuotaExceeded, full)) }
        let mapping = isWritable ? region.mapping : region.unwritableMapping
        return .success(Peer.Window(region: TenantMemory.Region(range, of: mapping), amount: amount))
    }

    /// A part of a region; `nil` when it is empty, not whole pages, or not inside.
    private static func range(_ offset: UInt64, _ byteCount: UInt64, in region: SharedRegion) -> Range<Int>? {
        let (end, overflow) = offset.addingReportingOverflow(byteCount)
        guard byteCount > 0, !overflow, end <= UInt64(region.byteCount), offset % page == 0, byteCount % page == 0
        else {
            return nil
        }
        return Int(offset)..<Int(end)
    }

    /// The same for a dma-buf.
    private func mapBuffer(
        _ descriptors: inout ReceivedDescriptors, offset: UInt64, byteCount: UInt64, isWritable: Bool, for peer: Peer
    ) -> Result<Peer.Window, Refusal> {
        guard let buffer = descriptors.first.flatMap({ configuration.bufferCalls.recognise($0) }) else {
            return .failure(
                Refusal(
                    .invalidArgument,
                    "the descriptor is neither a dma-buf nor a memory file: use memfd_create, and seal it with "
                        + "F_SEAL_SHRINK"))
        }
        guard configuration.exporters.contains(buffer.exporter), let file = descriptors.takeFirst() else {
            return .failure(
                Refusal(
                    .notPermitted,
                    "dma-bufs of \(buffer.exporter) are not allowed, only those of "
                        + configuration.exporters.sorted().joined(separator: ", ")))
        }
        guard byteCount > 0, offset % Self.page == 0, byteCount % Self.page == 0, offset <= buffer.byteCount,
            byteCount <= buffer.byteCount - offset, buffer.byteCount <= UInt64(Int.max)
        else {
            return .failure(
                Refusal(
                    .invalidArgument,
                    "\(byteCount) bytes from \(offset): both must be multiples of \(Self.page), in the \(buffer.byteCount) "
                        + "bytes of the dma-buf"))
        }
        let amount = QuotaLedger.Amount(windows: 1, bytes: byteCount)
        if let full = ledger.charge(peer.tenant, amount) { return .failure(Refusal(.diskQuotaExceeded, full)) }
        do throws(Errno) {
            let mapping = try SharedMapping(
                of: file.raw, offset: Int(offset), byteCount: Int(byteCount), isWritable: isWritable)
            let memory = TenantBuffer.memory(
                file, of: peer.tenant, timeout: configuration.exporterTimeout, configuration.bufferCalls,
                blockingCalls)
            let region = TenantMemory.Region(
                0..<Int(byteCount), of: mapping, synchronized: memory, exporter: buffer.exporter)
            return .success(Peer.Window(region: region, amount: amount))
        } catch {
            ledger.release(peer.tenant, amount)
            return .failure(Refusal(.notSupported, "the dma-buf of \(buffer.exporter) cannot be mapped: \(error)"))
        }
    }

    /// Keeps the mapping of a whole file until the connection ends.
    private func keep(_ whole: SharedMapping, for peer: Peer) -> Refusal? {
        guard peer.files[ObjectIdentifier(whole)] == nil else { return nil }
        let amount = QuotaLedger.Amount(bytes: UInt64(whole.bytes.count))
        if let full = ledger.charge(peer.tenant, amount) { return Refusal(.diskQuotaExceeded, full) }
        peer.files[ObjectIdentifier(whole)] = Peer.File(mapping: whole, amount: amount)
        return nil
    }

    /// Maps all pages of a window on the tenant's own thread, then answers.
    func answerAfterPopulating(_ window: Peer.Window, _ peer: Peer, _ message: some WireMessage, sequence: UInt32) {
        peer.isBusy = true
        let (number, region) = (peer.number, window.region)
        blockingCalls.waitForPages(of: peer.tenant) { [populated] in
            region.populate()
            populated.add(number)
        }
        afterPopulating[number] = { [self] in
            peer.isBusy = false
            answer(peer, message, sequence: sequence)
            enqueue(peer)
        }
    }

    /// Queues the answers of those whose memory is mapped now.
    func takePopulated() {
        for number in populated.take() {
            // A peer that was disconnected has none.
            guard let body = afterPopulating.removeValue(forKey: number), let peer = peers[number] else { continue }
            queue.add(.action(body), for: peer.tenant)
        }
    }

    private func unregister(_ peer: Peer, _ request: UnregisterMemory, _ sequence: UInt32) -> Refusal? {
        guard let device = peer.device, let window = peer.windows.removeValue(forKey: request.iova),
            let old = device.map.take(at: request.iova)
        else {
            return Refusal(.invalidArgument, "IOVA 0x\(String(request.iova, radix: 16)): no registration starts there")
        }
        retire(old)
        changedPeers.insert(peer.number)
        answerAfterQuiescence(peer, sequence) { [self] in
            ledger.release(peer.tenant, window.amount)
            blockingCalls.release([window.region.mapping])
        }
        return nil
    }
}
