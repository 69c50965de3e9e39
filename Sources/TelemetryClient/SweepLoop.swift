import LinuxSystem
import SystemPackage

/// Runs the conversations of a sweep with one poller and one buffer.
struct SweepLoop: ~Copyable {
    private let sweep: TelemetrySweep
    private let sessions: [SweepSession]
    private let poller: Poller
    private let buffer: UnsafeMutableRawBufferPointer
    private let events: UnsafeMutableBufferPointer<Poller.Event>
    /// The first session that has not started.
    private var next = 0
    /// Indices of the running sessions.
    private var active: Set<Int> = []

    /// Time before connecting again to a server with a full backlog: no event reports that there is room.
    private static let retryMilliseconds: Int32 = 5

    init(_ sweep: TelemetrySweep, _ sessions: [SweepSession]) throws(Errno) {
        self.sweep = sweep
        self.sessions = sessions
        poller = try Poller()
        // One byte more than allowed, so that a reply that fills the buffer is known to be too long.
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
                let index = Int(event.token)
                sessions[index].proceed(poller, token: event.token, buffer: buffer)
                retireIfDone(index)
            }
            let now = MonotonicTime.now
            for index in active {
                if sessions[index].deadline <= now { sessions[index].expire() }
                if sessions[index].isConnecting { sessions[index].connect(poller, token: UInt64(index)) }
                retireIfDone(index)
            }
        }
        return sessions.map(\.outcome)
    }

    /// Starts sessions up to the limit; returns whether any is running.
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
        for index in active {
            left = min(left, sessions[index].deadline.millisecondsLeft)
            if sessions[index].isConnecting { left = min(left, Self.retryMilliseconds) }
        }
        return left
    }

    private mutating func retireIfDone(_ index: Int) {
        if sessions[index].isDone { active.remove(index) }
    }
}
