/// Follows every operation from its call to its completion, across processes.
///
/// Events are joined by number, not by order: those of an engine can come before the one of the call. Memory grows with the
/// number of channels, and of operations in flight.
public final class OperationFollower<Observer: OperationObserver>: TraceConsumer {
    /// Gets the operations.
    public let observer: Observer
    let table = ChannelTable()
    private(set) var processes = TraceProcesses()

    /// - Parameter observer: gets the operations.
    public init(_ observer: Observer) {
        self.observer = observer
    }

    /// All channels, in the order of process, device and number.
    public var channels: [TracedChannel] { table.all }

    /// Takes the next event.
    public func take(_ event: TraceEvent, from processes: TraceProcesses) {
        if self.processes !== processes { self.processes = processes }
        switch event.kind {
        case .copy, .fill: takeCopy(event)
        case .copyScatterGather: takeLists(event)
        case .submit: takeSubmit(event)
        case .completed, .completedStatus: takePoll(event)
        case .enqueueOperations: takeOperations(event)
        case .dequeueOperations: takeDequeue(event)
        case .enqueueRejected: channel(event).rejectedCount += 1
        case .burst: takeBurst(event)
        case .operationStart: takeStart(event)
        case .operationFinish: takeFinish(event)
        case .completedBurst: takePublication(event)
        case .sleep, .wake:
            observer.takeEngine(
                Int(event.integer(0)), of: event.process, isAsleep: event.kind == .sleep, at: event.time)
        case .ringAttach: takeAttach(event)
        case .ringMapped: takeMapped(event)
        case .ringDetach: takeDetach(event)
        case .deviceAdded, .start, .stop, .close, .deviceRemoved, .configure, .channelSetup: takeControl(event)
        case .otherCall: fail(event, 0)
        case .attachmentFallback, .other: break
        case let kind where kind.isAboutMemory: fail(event, 0)
        // Of groups.
        default: break
        }
    }

    /// Ends all rings. Call it once, after the last event.
    public func finish() {
        for channel in table.all {
            if let ring = channel.ring { end(ring) }
            channel.ring = nil
        }
    }

    // MARK: Channels and rings

    /// The channel of a call: its first two fields are device and channel.
    func channel(_ event: TraceEvent) -> TracedChannel {
        channel(event.process, Int(event.integer(0)), Int(event.integer(1)))
    }

    func channel(_ process: Int, _ device: Int, _ vchan: Int) -> TracedChannel {
        table.channel(ofProcess: process, device, vchan, processes)
    }

    /// The ring that the calls of a channel are about.
    func ring(of channel: TracedChannel) -> TracedRing {
        if let ring = channel.ring { return ring }
        // After the start of the device, ring indices begin at 0.
        let ring = TracedRing(channel, hasBeginning: table.isStarted(channel.device, channel.processID))
        channel.ring = ring
        return ring
    }

    /// The ring of an engine's event: its first four fields are engine, ring, device and channel.
    func engineRing(_ event: TraceEvent) -> TracedRing {
        let number = event.unsigned(1)
        if let known = table.ring(event.process, number) { return known.isMapped ? known : adopt(known) }
        // Without its attach event: the ring of the channel with these numbers in the process of the engine.
        let channel = channel(event.process, Int(event.integer(2)), Int(event.integer(3)))
        let ring: TracedRing
        if let own = channel.ring, own.number == nil {
            ring = own
        } else {
            ring = begin(channel, hasBeginning: false)
        }
        ring.engine = Int(event.integer(0))
        table.add(ring, event.process, number)
        return ring
    }

    /// The ring of a controller works, and no process has named it: it is that of the process for which it was attached.
    private func adopt(_ ring: TracedRing) -> TracedRing {
        guard let own = ring.channel.ring, own.number == nil, let process = ring.engineProcess, let number = ring.number
        else {
            map(ring, to: ring.channel)
            return ring
        }
        table.remove(ring)
        own.engine = ring.engine
        table.add(own, process, number)
        return own
    }

    /// The calls of a channel are about a ring of another process's engine.
    func map(_ ring: TracedRing, to channel: TracedChannel) {
        if let old = channel.ring, old !== ring { end(old) }
        if channel.descriptorCount == 0 { channel.descriptorCount = ring.channel.descriptorCount }
        ring.channel = channel
        ring.isMapped = true
        channel.ring = ring
        channel.isStopped = false
    }

    /// A new ring in place of the one that the channel had.
    func begin(_ channel: TracedChannel, hasBeginning: Bool) -> TracedRing {
        if let old = channel.ring { end(old) }
        let ring = TracedRing(channel, hasBeginning: hasBeginning)
        channel.ring = ring
        channel.isStopped = false
        return ring
    }

    func end(_ ring: TracedRing) {
        remove(before: ring.state.pointee.window.end, ring)
        table.remove(ring)
        observer.takeEnd(of: ring)
    }

    // MARK: The window

    /// The operation with a number, to note more about it; `nil` if nothing was expected any more.
    func slot(_ number: UInt64, _ ring: TracedRing) -> UnsafeMutablePointer<TracedOperation>? {
        makeRoom(for: number, 1, ring)
        return ring.state.pointee.window.slot(number)
    }

    /// Calls `body` for each of `count` operations from a number on, with its place among them, and with what is noted about
    /// it; not for those about which nothing was expected any more.
    @inline(__always)
    func forEachSlot(
        from first: UInt64, _ count: UInt64, _ ring: TracedRing,
        _ body: (UnsafeMutablePointer<TracedOperation>, Int) -> Void
    ) {
        let state = ring.state
        var done: UInt64 = 0
        while done < count {
            // As many as there is room for at once; more than that only in a trace that is not right.
            let part = min(count - done, state.pointee.span)
            makeRoom(for: first + done, part, ring)
            _ = state.pointee.window.slot(first + done + part - 1)
            for place in done..<done + part where first + place >= state.pointee.window.first {
                body(state.pointee.window[first + place], Int(place))
            }
            done += part
        }
    }

    /// The oldest operations leave if these, at most as many as the span, are so far from them that nothing more can come.
    private func makeRoom(for number: UInt64, _ count: UInt64, _ ring: TracedRing) {
        let state = ring.state
        let span = state.pointee.span
        let last = number + count - 1
        if last >= state.pointee.window.first + span {
            remove(before: min(last - span + 1, state.pointee.window.end), ring)
        }
        if number >= state.pointee.window.end + span { state.pointee.window.restart(at: number) }
    }

    /// Operations leave of which everything has been seen.
    func advance(_ ring: TracedRing) {
        let state = ring.state
        var number = state.pointee.window.first
        while number < state.pointee.window.end,
            state.pointee.window[number].pointee.parts.isSuperset(of: [.rung, .finished, .noticed])
        { number += 1 }
        remove(before: number, ring)
    }

    private func remove(before number: UInt64, _ ring: TracedRing) {
        let state = ring.state
        let first = state.pointee.window.first
        guard number > first else { return }
        observer.take(state.pointee.window[first..<number], of: ring)
        state.pointee.window.removeAll(before: number)
    }

    /// The number of the first of `count` operations with a ring index.
    @inline(__always)
    func number(_ sequence: inout IndexSequence, _ ring: TracedRing, index: UInt64, count: UInt64) -> UInt64 {
        if !sequence.isBegun, !ring.hasBeginning { begin(&sequence, ring, index: index) }
        return sequence.number(ofIndex: index, count: count)
    }

    private func begin(_ sequence: inout IndexSequence, _ ring: TracedRing, index: UInt64) {
        // Far from 0, because events of earlier operations can follow.
        if ring.state.pointee.window.end == 0 { ring.state.pointee.window.restart(at: 65536 + index) }
        sequence.begin(near: ring.state.pointee.window.end, index: index)
    }
}
