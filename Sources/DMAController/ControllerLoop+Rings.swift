internal import ControllerProtocol
internal import DMADev
internal import DMAEngine
internal import GroupTable
internal import LinuxSystem
internal import SystemPackage

/// Rings of applications: attached, started, stopped. A refused request has changed nothing.
extension ControllerLoop {
    func attach(_ peer: Peer, _ request: AttachRing, _ sequence: UInt32) -> Refusal? {
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

    func start(_ peer: Peer, _ request: StartRing, _ sequence: UInt32) -> Refusal? {
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
        peer.changedRings.insert(request.vchan)
        changedPeers.insert(peer.number)
        answer(peer, Done(), sequence: sequence)
        return nil
    }

    func stop(_ peer: Peer, _ sequence: UInt32) {
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
}
