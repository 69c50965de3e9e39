/// The events of engines and of their rings, and control calls.
extension OperationFollower {
    /// Engine, ring, device, channel, ring index, kind.
    func takeStart(_ event: TraceEvent) {
        let ring = engineRing(event)
        let number = number(&ring.state.pointee.starts, ring, index: event.unsigned(4), count: 1)
        guard let slot = slot(number, ring) else { return }
        slot.pointee.startTime = event.time
        slot.pointee.parts.insert(.started)
        if slot.pointee.kind == 0 { slot.pointee.kind = UInt8(truncatingIfNeeded: event.unsigned(5)) }
    }

    /// Engine, ring, device, channel, ring index, status.
    func takeFinish(_ event: TraceEvent) {
        let ring = engineRing(event)
        let number = number(&ring.state.pointee.finishes, ring, index: event.unsigned(4), count: 1)
        ring.state.pointee.finishedEnd = max(ring.state.pointee.finishedEnd, number + 1)
        guard let slot = slot(number, ring) else { return }
        slot.pointee.finishTime = event.time
        slot.pointee.status = UInt16(truncatingIfNeeded: event.unsigned(5))
        slot.pointee.parts.insert(.finished)
        advance(ring)
    }

    /// Engine, ring, device, channel, ring index, statuses; by batch: number of operations, nanoseconds since its doorbell
    /// and since its start.
    func takePublication(_ event: TraceEvent) {
        let ring = engineRing(event)
        let statuses = event.sequence(5)
        let count = statuses.count
        let first = number(&ring.state.pointee.publications, ring, index: event.unsigned(4), count: UInt64(count))
        let (sizes, sinceDoorbell, sinceStart) = (event.sequence(6), event.sequence(7), event.sequence(8))
        var (batch, batchEnd) = (-1, UInt64(0))
        var (doorbell, start): (Int64, Int64) = (0, 0)
        let time = event.time
        forEachSlot(from: first, UInt64(count), ring) { slot, row in
            while UInt64(row) >= batchEnd, batch + 1 < sizes.count {
                batch += 1
                batchEnd &+= sizes[batch]
                doorbell = Int64(bitPattern: sinceDoorbell[batch])
                start = Int64(bitPattern: sinceStart[batch])
            }
            if !slot.pointee.parts.contains(.finished) { slot.pointee.finishTime = time }
            slot.pointee.status = UInt16(truncatingIfNeeded: statuses[row])
            slot.pointee.parts.formUnion([.finished, .published])
            slot.pointee.sinceDoorbell = doorbell
            slot.pointee.sinceStart = start
        }
        ring.state.pointee.finishedEnd = max(ring.state.pointee.finishedEnd, first + UInt64(count))
        advance(ring)
    }

    // MARK: Rings

    /// Engine, ring, device, channel, descriptors, process, connection.
    func takeAttach(_ event: TraceEvent) {
        let isRemote = event.unsigned(6) != 0
        let processID = isRemote ? Int(event.integer(5)) : processes.all[event.process].processID
        let channel = table.channel(processID, Int(event.integer(2)), Int(event.integer(3)), processes)
        channel.descriptorCount = Int(event.integer(4))
        // The calls of another process are about it from `ring_mapped` on, or else from its first operation on.
        let ring = isRemote ? TracedRing(channel, hasBeginning: true) : begin(channel, hasBeginning: true)
        ring.isMapped = !isRemote
        ring.engine = Int(event.integer(0))
        table.add(ring, event.process, event.unsigned(1))
    }

    /// Ring, device, channel.
    func takeMapped(_ event: TraceEvent) {
        let (number, device, vchan) = (event.unsigned(0), Int(event.integer(1)), Int(event.integer(2)))
        let channel = channel(event.process, device, vchan)
        if let ring = table.takeUnmapped(number, device, vchan, channel.processID) {
            map(ring, to: channel)
        } else {
            // The controller is not in the trace.
            _ = begin(channel, hasBeginning: true)
        }
    }

    /// Engine, ring, device, channel, aborted, completed, errors, bytes, latencies.
    func takeDetach(_ event: TraceEvent) {
        let ring = table.ring(event.process, event.unsigned(1)) ?? engineRing(event)
        ring.finalCounts = TracedRing.FinalCounts(
            completed: event.unsigned(5), errors: event.unsigned(6), aborted: event.unsigned(4),
            bytes: event.unsigned(7), latencies: event.unsigned(8), time: event.time)
        // Its channel has another one, or never had it.
        if ring.channel.ring !== ring { end(ring) }
    }

    // MARK: Control

    func takeControl(_ event: TraceEvent) {
        let device = Int(event.integer(0))
        let processID = processes.all[event.process].processID
        switch event.kind {
        case .deviceAdded:
            guard !fail(event, 1) else { return }
            table.add(device: device, processID, name: event.text(2), driver: event.text(3))
        case .channelSetup:
            guard !fail(event, 2) else { return }
            channel(event).descriptorCount = Int(event.integer(3))
        case .configure: fail(event, 1)
        case .start:
            guard !fail(event, 1) else { return }
            start(device, processID)
        case .stop, .close:
            guard !fail(event, 1) else { return }
            table.channels(of: device, processID).forEach { $0.isStopped = true }
        default: table.channels(of: device, processID).forEach { $0.isStopped = true }
        }
    }

    /// Ring indices start at 0. If the trace has the engine, its ring began during the call.
    private func start(_ device: Int, _ processID: Int) {
        table.addStart(of: device, processID)
        for channel in table.channels(of: device, processID) {
            channel.isStopped = false
            guard let ring = channel.ring, ring.number == nil || ring.finalCounts != nil else { continue }
            // Named by `ring_mapped`, of a controller that is not in the trace.
            if ring.hasBeginning, !ring.state.pointee.calls.isBegun, !ring.state.pointee.bursts.isBegun { continue }
            end(ring)
            channel.ring = nil
        }
    }
}
