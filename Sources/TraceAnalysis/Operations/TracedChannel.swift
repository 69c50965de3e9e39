/// A channel of a device, as the process names it that makes the calls.
public final class TracedChannel {
    /// The process, as an index of ``TraceProcesses``; -1 if it has recorded no event.
    public let process: Int
    /// The number of the process; -1 if unknown.
    public let processID: Int
    /// The device's number there.
    public let device: Int
    /// The channel's number.
    public let vchan: Int
    /// The device's name, if the trace has its creation.
    public internal(set) var deviceName: String?
    /// The name of its driver, if the trace has its creation.
    public internal(set) var driver: String?
    /// The number of descriptors; 0 if unknown.
    public internal(set) var descriptorCount = 0 { didSet { ring?.updateSpan() } }
    /// Calls that a full ring refused.
    public internal(set) var rejectedCount: UInt64 = 0
    /// The ring since the last start of the device.
    var ring: TracedRing?
    /// Whether the trace has bursts, enqueues and polls of it.
    var hasBursts = false
    var hasCalls = false
    var hasPolls = false
    /// Whether the last call about the device has stopped it.
    var isStopped = false
    /// What an observer keeps for it.
    var account: AnyObject?

    init(process: Int, processID: Int, device: Int, vchan: Int) {
        self.process = process
        self.processID = processID
        self.device = device
        self.vchan = vchan
    }
}

/// The descriptor ring of a channel, from one start of its device to the next.
public final class TracedRing {
    /// The final counts in `ring_detach`.
    public struct FinalCounts: Sendable {
        public let completed, errors, aborted, bytes, latencies: UInt64
        let time: Int64
    }

    /// The number of the ring in the process of its engine; `nil` if the trace has no event of an engine about it.
    public internal(set) var number: UInt64?
    /// The process of its engine.
    public internal(set) var engineProcess: Int?
    /// The number of the engine there.
    public internal(set) var engine: Int?
    /// Whose ring it is.
    public internal(set) var channel: TracedChannel {
        get { owner }
        set {
            owner = newValue
            updateSpan()
        }
    }
    // What is used for each event is not public: a public property is checked for exclusive access each time.
    private var owner: TracedChannel
    /// Whether the trace has its beginning: `ring_attach`, or a device's start.
    public internal(set) var hasBeginning: Bool
    /// The counts at its end; `nil` without `ring_detach`.
    public internal(set) var finalCounts: FinalCounts?
    /// Whether its channel is known: not yet, if its engine serves another process which has not named it.
    var isMapped = true

    /// What changes with each event. Behind a pointer for the same reason.
    let state = UnsafeMutablePointer<RingState>.allocate(capacity: 1)
    /// What an observer keeps for it.
    var account: AnyObject?

    init(_ channel: TracedChannel, hasBeginning: Bool) {
        owner = channel
        self.hasBeginning = hasBeginning
        state.initialize(to: RingState())
        updateSpan()
    }

    deinit {
        state.deinitialize(count: 1)
        state.deallocate()
    }

    /// Operations whose doorbell rang and which no poll has returned; which have not ended, if the trace has no polls.
    public var occupancy: UInt64 {
        let first = state.pointee.window.first
        let done = max(owner.hasPolls ? state.pointee.polls.next : state.pointee.finishedEnd, first)
        let rungEnd = state.pointee.rungEnd
        return rungEnd > done ? rungEnd - done : 0
    }

    /// Call it when the number of descriptors is another one.
    func updateSpan() {
        state.pointee.span = owner.descriptorCount > 0 ? UInt64(owner.descriptorCount) * 2 : 65536
    }
}

/// What events have said of a ring so far.
struct RingState: ~Copyable {
    var window = OperationWindow()
    /// The numbers of enqueues, of bursts, of starts, ends, publications and polls.
    var calls = IndexSequence()
    var bursts = IndexSequence()
    var starts = IndexSequence()
    var finishes = IndexSequence()
    var publications = IndexSequence()
    var polls = IndexSequence()
    /// One more than the last operation whose doorbell rang, and than the last that has ended.
    var rungEnd: UInt64 = 0
    var finishedEnd: UInt64 = 0
    /// Beyond this distance nothing more is recorded about an operation: its descriptor has been used again.
    var span: UInt64 = 65536
}
