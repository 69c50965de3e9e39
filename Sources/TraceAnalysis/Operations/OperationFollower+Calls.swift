/// The flags of an operation, as in `rte_dmadev.h`.
private let fenceFlag: UInt64 = 1
private let submitFlag: UInt64 = 2

/// The events of calls, and bursts, which replace those of enqueues and doorbells.
extension OperationFollower {
    /// Device, channel, result, flags, length.
    func takeCopy(_ event: TraceEvent) {
        guard let call = called(event) else { return }
        if let slot = call.slot {
            slot.pointee.bytes = event.unsigned(4)
            slot.pointee.parts.insert(.sized)
            slot.pointee.kind = event.kind == .fill ? 3 : 1
        }
        if call.rings { takeDoorbell(call.ring, event.time) }
    }

    /// Device, channel, result, flags, number of sources, their lengths.
    func takeLists(_ event: TraceEvent) {
        guard let call = called(event) else { return }
        let lengths = event.sequence(5)
        if let slot = call.slot {
            slot.pointee.kind = 2
            // A long list is not recorded as a whole.
            if UInt64(lengths.count) == event.unsigned(4) {
                slot.pointee.bytes = (0..<lengths.count).reduce(0) { $0 + lengths[$1] }
                slot.pointee.parts.insert(.sized)
            }
        }
        if call.rings { takeDoorbell(call.ring, event.time) }
    }

    /// An enqueue, and whether it rings the doorbell; `nil` if it has failed.
    @inline(__always)
    private func called(
        _ event: TraceEvent
    ) -> (ring: TracedRing, slot: UnsafeMutablePointer<TracedOperation>?, rings: Bool)? {
        guard let index = result(event) else { return nil }
        let channel = channel(event)
        let ring = ring(of: channel)
        channel.hasCalls = true
        let flags = event.unsigned(3)
        let slot = slot(number(&ring.state.pointee.calls, ring, index: index, count: 1), ring)
        slot?.pointee.parts.formUnion(flags & fenceFlag != 0 ? [.called, .fence] : .called)
        return (ring, slot, flags & submitFlag != 0)
    }

    /// Device, channel, result.
    func takeSubmit(_ event: TraceEvent) {
        // A doorbell that rings nothing does not begin a ring.
        guard result(event) != nil, let ring = channel(event).ring, ring.state.pointee.calls.isBegun else { return }
        takeDoorbell(ring, event.time)
    }

    /// All that were enqueued and not rung.
    private func takeDoorbell(_ ring: TracedRing, _ time: Int64) {
        let state = ring.state
        let (first, end) = (max(state.pointee.rungEnd, state.pointee.window.first), state.pointee.calls.next)
        guard end > first else { return }
        forEachSlot(from: first, end - first, ring) { slot, _ in
            guard !slot.pointee.parts.contains(.rung) else { return }
            slot.pointee.rungTime = time
            slot.pointee.parts.insert(.rung)
        }
        state.pointee.rungEnd = end
        if !ring.channel.hasBursts { observer.takeDoorbell(of: end - first, isFirst: true, at: time, ring) }
        advance(ring)
    }

    /// Device, channel, result, flags, numbers of sources, lengths.
    func takeOperations(_ event: TraceEvent) {
        guard let accepted = result(event) else { return }
        let channel = channel(event)
        guard accepted > 0 else { return }
        let ring = ring(of: channel)
        channel.hasCalls = true
        let first = ring.state.pointee.calls.numberOfNext(accepted)
        let (flags, counts, lengths) = (event.sequence(3), event.sequence(4), event.sequence(5))
        var place = 0
        for row in 0..<Int(accepted) {
            guard let slot = slot(first + UInt64(row), ring) else { continue }
            slot.pointee.parts.insert(.called)
            slot.pointee.kind = 2
            // Operations and entries beyond a maximum are left out of the event.
            guard row < counts.count else { continue }
            if flags[row] & fenceFlag != 0 { slot.pointee.parts.insert(.fence) }
            let count = Int(counts[row])
            if place + count <= lengths.count {
                slot.pointee.bytes = (place..<place + count).reduce(0) { $0 + lengths[$1] }
                slot.pointee.parts.insert(.sized)
            }
            place += count
        }
        takeDoorbell(ring, event.time)
    }

    /// Device, channel, number of operations, ring index, and by operation: kind, length, number of sources and of
    /// destinations, lengths of entries, flags; then the number of the doorbell's operations before these.
    func takeBurst(_ event: TraceEvent) {
        let channel = channel(event)
        channel.hasBursts = true
        let ring = ring(of: channel)
        let (kinds, lengths, flags) = (event.column(4), event.column(5), event.column(9))
        let entries = event.sequence(8)
        let count = event.unsigned(2)
        let first = number(&ring.state.pointee.bursts, ring, index: event.unsigned(3), count: count)
        let time = event.time
        forEachSlot(from: first, count, ring) { slot, row in
            slot.pointee.bytes = lengths[row]
            slot.pointee.kind = UInt8(truncatingIfNeeded: kinds[row])
            slot.pointee.parts.formUnion(
                flags[row] & fenceFlag != 0 ? [.called, .sized, .rung, .fence] : [.called, .sized, .rung])
            slot.pointee.rungTime = time
        }
        if entries.count > 0 { addEntries(entries, of: event, first, ring) }
        ring.state.pointee.rungEnd = max(ring.state.pointee.rungEnd, first + count)
        observer.takeDoorbell(of: count, isFirst: event.unsigned(10) == 0, at: time, ring)
        advance(ring)
    }

    /// The bytes of the operations of a burst that have lists.
    private func addEntries(
        _ entries: TraceEvent.Sequence, of event: TraceEvent, _ first: UInt64, _ ring: TracedRing
    ) {
        let (kinds, lengths) = (event.column(4), event.column(5))
        let (sources, destinations) = (event.column(6), event.column(7))
        var place = 0
        for row in 0..<Int(event.unsigned(2)) {
            let own = Int(min(sources[row], UInt64(entries.count)))
            var bytes = kinds[row] == 2 ? 0 : lengths[row]
            for entry in place..<min(place + own, entries.count) { bytes &+= entries[entry] }
            place += own + Int(min(destinations[row], UInt64(entries.count)))
            slot(first + UInt64(row), ring)?.pointee.bytes = bytes
        }
    }

    /// Device, channel, result, last index; of `completed_status` the statuses.
    func takePoll(_ event: TraceEvent) {
        guard let count = result(event) else { return }
        let channel = channel(event)
        channel.hasPolls = true
        guard count > 0 else { return }
        let ring = ring(of: channel)
        let first = number(
            &ring.state.pointee.polls, ring, index: (event.unsigned(3) &- count &+ 1) & 0xFFFF, count: count)
        if event.kind == .completedStatus, ring.number == nil { noteStatuses(event.sequence(4), first, ring) }
        notice(first, count, ring, event.time)
    }

    /// Without events of an engine, as of an observed device, the poll is what has the status.
    private func noteStatuses(_ statuses: TraceEvent.Sequence, _ first: UInt64, _ ring: TracedRing) {
        for row in 0..<statuses.count where statuses[row] != 0 {
            slot(first + UInt64(row), ring)?.pointee.status = UInt16(truncatingIfNeeded: statuses[row])
        }
    }

    /// Device, channel, result.
    func takeDequeue(_ event: TraceEvent) {
        guard let count = result(event) else { return }
        let channel = channel(event)
        channel.hasPolls = true
        guard count > 0, let ring = channel.ring else { return }
        notice(ring.state.pointee.polls.numberOfNext(count), count, ring, event.time)
    }

    private func notice(_ first: UInt64, _ count: UInt64, _ ring: TracedRing, _ time: Int64) {
        forEachSlot(from: first, count, ring) { slot, _ in
            slot.pointee.noticeTime = time
            slot.pointee.parts.insert(.noticed)
        }
        advance(ring)
    }

    /// The result of a call whose first two fields are device and channel; `nil` if it has failed, which is noted.
    @inline(__always)
    private func result(_ event: TraceEvent) -> UInt64? {
        let result = event.integer(2)
        if result >= 0 { return UInt64(result) }
        fail(event, 2)
        return nil
    }

    /// Notes the failure of a call.
    ///
    /// - Parameter slot: its result's; 2 if device and channel are the first two fields.
    /// - Returns: whether it has failed.
    @discardableResult
    func fail(_ event: TraceEvent, _ slot: Int) -> Bool {
        let result = event.integer(slot)
        guard result < 0 else { return false }
        observer.takeFailure(
            of: String(event.layout.name.drop { $0 != ":" }.dropFirst()), error: Int(-result),
            channel: slot == 2 ? channel(event) : nil, process: event.process)
        return true
    }
}
