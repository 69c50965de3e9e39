import LinuxSystem
import SystemPackage

/// Drives the conversations of a sweep: one poller, one buffer.
struct SweepLoop: ~Copyable {
    private let sweep: TelemetrySweep
    private let sessions: [SweepSession]
    private let poller: Poller
    private let buffer: UnsafeMutableRawBufferPointer
    private let events: UnsafeMutableBufferPointer<Poller.Event>
    /// The next session that has not had its turn.
    private var next = 0
    /// The places of the sessions that are talked to.
    private var active: Set<Int> = []

    /// A server whose backlog is full is tried again after this time: no poller tells when there is room.
    private static let retryMilliseconds: Int32 = 5

    init(_ sweep: TelemetrySweep, _ sessions: [SweepSession]) throws(Errno) {
        self.sweep = sweep
        self.sessions = sessions
        poller = try Poller()
        // One byte more than allowed, so that a reply which fills it was too long or cut.
        buffer = .allocate(byteCount: sweep.maximumReplyLength + 1, alignment: 16)
        events = .allocate(capacity: 64)
        events.initialize(repeating: Poller.Event())
    }

    deinit {
        buffer.deallocate()
        events.deallocate()
    }

    mutating func run() throws(Errno) -> [TelemetrySweep.Outcome] {
        DescriptorLimit.raise(to: UInt64(sweep.maximumConnections) + 256)
        while startMore() {
            let count = try poller.wait(into: events, milliseconds: millisecondsToWait())
            for event in events.prefix(count) {
                let place = Int(event.token)
                sessions[place].proceed(poller, token: event.token, buffer: buffer)
                retireIfDone(place)
            }
            let now = MonotonicTime.now
            for place in active {
                if sessions[place].deadline <= now { sessions[place].expire() }
                if sessions[place].isConnecting { sessions[place].connect(poller, token: UInt64(place)) }
                retireIfDone(place)
            }
        }
        return sessions.map(\.outcome)
    }

    /// Gives sessions their turn while there is room; says whether any is talked to.
    private mutating func startMore() -> Bool {
        while next < sessions.count, active.count < max(sweep.maximumConnections, 1) {
            sessions[next].start(poller, token: UInt64(next), timeout: sweep.timeout)
            if !sessions[next].isDone { active.insert(next) }
            next += 1
        }
        return !active.isEmpty
    }

    private func millisecondsToWait() -> Int32 {
        var left = Int32.max
        for place in active {
            left = min(left, sessions[place].deadline.millisecondsLeft)
            if sessions[place].isConnecting { left = min(left, Self.retryMilliseconds) }
        }
        return left
    }

    private mutating func retireIfDone(_ place: Int) {
        if sessions[place].isDone { active.remove(place) }
    }
}
