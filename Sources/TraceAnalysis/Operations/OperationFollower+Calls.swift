/// The flags of an operation, as in `rte_dmadev.h`.
private let fenceFlag: UInt64 = 1
private let submitFlag: UInt64 = 2

/// The events of calls, and bursts, which replace those of enqueues and doorbells.
extension OperationFollower {
    /// Device, channel, result, flags, length.
    func takeCopy(_ event: TraceEvent) {
        guard let (ring, slot) = called(event) else { return }
        slot?.pointee.bytes = event.unsigned(4)
        slot?.pointee.parts.insert(.sized)
        slot?.pointee.kind = event.kind == .fill ? 3 : 1
        if event.unsigned(3) & submitFlag != 0 { takeDoorbell(ring, event.time) }
    }

    /// Device, channel, result, flags, number of sources, their lengths.
    func takeLists(_ event: TraceEvent) {
        guard let (ring, slot) = called(event) else { return }
        let lengths = event.sequence(5)
        slot?.pointee.kind = 2
        // A long list is not recorded as a whole.
        if UInt64(lengths.count) == event.unsigned(4) {
            slot?.pointee.bytes = (0..<lengths.count).reduce(0) { $0 + lengths[$1] }
            slot?.pointee.parts.insert(.sized)
        }
        if event.unsigned(3) & submitFlag != 0 { takeDoorbell(ring, event.time) }
    }

    /// An enqueue; `nil` if it has failed.
    private func called(_ event: TraceEvent) -> (TracedRing, UnsafeMutablePointer<TracedOperation>?)? {
        guard !fail(event, 2) else { return nil }
        let channel = channel(event)
        let ring = ring(of: channel)
        channel.hasCalls = true
        let slot = slot(number(&ring.calls, ring, index: event.unsigned(2), count: 1), ring)
        slot?.pointee.parts.insert(.called)
        if event.unsigned(3) & fenceFlag != 0 { slot?.pointee.parts.insert(.fence) }
        return (ring, slot)
    }

    /// Device, channel, result.
    func takeSubmit(_ event: TraceEvent) {
        // A doorbell that rings nothing does not begin a ring.
        guard !fail(event, 2), let ring = channel(event).ring, ring.calls.isBegun else { return }
        takeDoorbell(ring, event.time)
    }

    /// All that were enqueued and not rung.
    private func takeDoorbell(_ ring: TracedRing, _ time: Int64) {
        let first = max(ring.rungEnd, ring.window.first)
        guard ring.calls.next > first else { return }
        for number in first..<ring.calls.next {
            guard let slot = slot(number, ring), !slot.pointee.parts.contains(.rung) else { continue }
            slot.pointee.rungTime = time
            slot.pointee.parts.insert(.rung)
        }
        ring.rungEnd = ring.calls.next
        if !ring.channel.hasBursts {
            observer.takeDoorbell(of: ring.calls.next - first, isFirst: true, at: time, ring)
        }
        advance(ring)
    }

    /// Device, channel, result, flags, numbers of sources, lengths.
    func takeOperations(_ event: TraceEvent) {
        guard !fail(event, 2) else { return }
        let accepted = event.unsigned(2)
        let channel = channel(event)
        guard accepted > 0 else { return }
        let ring = ring(of: channel)
        channel.hasCalls = true
        let first = ring.calls.numberOfNext(accepted)
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

    /// Device, channel, operations of the doorbell, ring index, and by operation: kind, length, number of sources and of
    /// destinations, lengths of entries, flags; then the number of the doorbell's operations before these.
    func takeBurst(_ event: TraceEvent) {
        let channel = channel(event)
        channel.hasBursts = true
        let ring = ring(of: channel)
        let (kinds, lengths, flags) = (event.sequence(4), event.sequence(5), event.sequence(9))
        let (sources, destinations, entries) = (event.sequence(6), event.sequence(7), event.sequence(8))
        let count = kinds.count
        let first = number(&ring.bursts, ring, index: event.unsigned(3), count: UInt64(count))
        var place = 0
        for row in 0..<count {
            let kind = kinds[row]
            var bytes = lengths[row]
            if entries.count > 0 {
                let own = Int(sources[row])
                if kind == 2 { bytes = 0 }
                for entry in place..<min(place + own, entries.count) { bytes += entries[entry] }
                place += own + Int(destinations[row])
            }
            guard let slot = slot(first + UInt64(row), ring) else { continue }
            slot.pointee.bytes = bytes
            slot.pointee.kind = UInt8(truncatingIfNeeded: kind)
            slot.pointee.parts.formUnion([.called, .sized, .rung])
            if flags[row] & fenceFlag != 0 { slot.pointee.parts.insert(.fence) }
            slot.pointee.rungTime = event.time
        }
        ring.rungEnd = max(ring.rungEnd, first + UInt64(count))
        observer.takeDoorbell(of: UInt64(count), isFirst: event.unsigned(10) == 0, at: event.time, ring)
        advance(ring)
    }

    /// Device, channel, result, last index; of `completed_status` the statuses.
    func takePoll(_ event: TraceEvent) {
        guard !fail(event, 2) else { return }
        let count = event.unsigned(2)
        let channel = channel(event)
        channel.hasPolls = true
        guard count > 0 else { return }
        let ring = ring(of: channel)
        let first = number(&ring.polls, ring, index: (event.unsigned(3) &- count &+ 1) & 0xFFFF, count: count)
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
        guard !fail(event, 2) else { return }
        let count = event.unsigned(2)
        let channel = channel(event)
        channel.hasPolls = true
        guard count > 0, let ring = channel.ring else { return }
        notice(ring.polls.numberOfNext(count), count, ring, event.time)
    }

    private func notice(_ first: UInt64, _ count: UInt64, _ ring: TracedRing, _ time: Int64) {
        for number in first..<first + count {
            guard let slot = slot(number, ring) else { continue }
            slot.pointee.noticeTime = time
            slot.pointee.parts.insert(.noticed)
        }
        advance(ring)
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
