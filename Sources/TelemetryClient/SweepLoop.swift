import LinuxSystem
import SystemPackage
import TelemetryWire

/// Runs the conversations of a sweep with one poller, one buffer and one parser.
struct SweepLoop: ~Copyable {
    private let sweep: TelemetrySweep
    private let sessions: [SweepSession]
    private let totals: SweepTotals
    private let poller: Poller
    private let parser = JSONParser()
    private let buffer: UnsafeMutableRawBufferPointer
    private let events: UnsafeMutableBufferPointer<Poller.Event>
    /// The first session that has not started.
    private var next = 0
    /// Indices of the running sessions.
    private var active: Set<Int> = []

    /// Time before connecting again to a server with a full backlog: no event reports that there is room.
    private static let retryMilliseconds: Int32 = 5

    /// The bytes that a source may send before it has to give precedence to those that have sent less.
    private static let precedenceLength = 256 << 10

    init(
        _ sweep: TelemetrySweep, _ conversations: [(path: String, conversation: any TelemetryConversation)]
    ) throws(Errno) {
        let totals = SweepTotals(sweep, sourceCount: conversations.count)
        self.sweep = sweep
        self.totals = totals
        sessions = conversations.map { SweepSession($0.path, $0.conversation, sweep, totals) }
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
            proceed(events.prefix(count).map { Int($0.token) })
            let now = totals.now
            for index in active {
                if sessions[index].deadline <= now { sessions[index].expire() }
                if sessions[index].isConnecting { sessions[index].connect(poller, token: UInt64(index)) }
                retireIfDone(index)
            }
        }
        return sessions.map(\.outcome)
    }

    /// Handles the messages of all sources that have sent little, and of one that has sent much. The others keep theirs
    /// until the next call: a source that sends little waits for at most one long message.
    private mutating func proceed(_ ready: [Int]) {
        var next: Int?
        for index in ready {
            if sessions[index].received <= Self.precedenceLength {
                proceed(index)
            } else if next.map({ sessions[index].received < sessions[$0].received }) ?? true {
                next = index
            }
        }
        if let next { proceed(next) }
    }

    private mutating func proceed(_ index: Int) {
        sessions[index].proceed(poller, token: UInt64(index), buffer: buffer, parser)
        retireIfDone(index)
    }

    /// Starts sessions up to the limit; returns whether any is running.
    private mutating func startMore() -> Bool {
        while next < sessions.count, active.count < max(sweep.maximumConnections, 1) {
            sessions[next].start(poller, token: UInt64(next))
            if !sessions[next].isDone { active.insert(next) }
            next += 1
        }
        return !active.isEmpty
    }

    private func millisecondsToWait() -> Int32 {
        var first = MonotonicTime(nanoseconds: .max)
        var isConnecting = false
        for index in active {
            first = min(first, sessions[index].deadline)
            isConnecting = isConnecting || sessions[index].isConnecting
        }
        let left = first.nanoseconds(since: totals.now)
        let milliseconds = Int32(clamping: left / 1_000_000 + (left % 1_000_000 == 0 ? 0 : 1))
        return isConnecting ? min(milliseconds, Self.retryMilliseconds) : milliseconds
    }

    private mutating func retireIfDone(_ index: Int) {
        if sessions[index].isDone { active.remove(index) }
    }
}
