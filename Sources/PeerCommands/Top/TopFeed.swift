import CommandSupport
import Glibc
import LinuxSystem
import Synchronization
import SystemPackage
import TelemetryClient

/// Reads a target, or every process, repeatedly on its own thread, so that keys work while a process does not answer.
/// Reconnects after the target has ended.
final class TopFeed: Sendable {
    enum Event: Sendable {
        case reading(TopReading)
        /// The target does not answer; the feed tries again.
        case unavailable(String)
        /// The feed has ended.
        case failed(Failure)
    }

    /// Readable when there are events.
    let ready: EventDescriptor
    private let wake: EventDescriptor
    private let state: Mutex<State>

    private struct State {
        var events: [Event] = []
        var interval: Duration
        var showsAll: Bool
    }

    /// Longest time between two attempts to reconnect.
    private static let reconnectInterval = Duration.seconds(1)

    init(
        _ target: Target, _ survey: TopSurvey, trust: TelemetryTrust, timeout: Duration, interval: Duration,
        showsAll: Bool
    ) throws(Failure) {
        do throws(Errno) {
            ready = try EventDescriptor()
            wake = try EventDescriptor()
        } catch {
            throw Failure("cannot watch the target: \(error): end other processes")
        }
        state = Mutex(State(interval: interval, showsAll: showsAll))
        do throws(Errno) {
            // Detached: at the end, the process does not wait for a target that hangs.
            try SystemThread.start(name: "top-feed") { self.run(target, survey, trust, timeout) }.detach()
        } catch {
            throw Failure("cannot watch the target: \(error): end other processes")
        }
    }

    /// The events since the last call.
    func drain() -> [Event] {
        _ = ready.drain()
        return state.withLock { state in
            defer { state.events = [] }
            return state.events
        }
    }

    /// Sets the time between readings, including the current wait.
    func setInterval(_ interval: Duration) {
        state.withLock { $0.interval = interval }
        wake.signal()
    }

    /// Reads every process from now on, or only the target, beginning immediately.
    func setShowsAll(_ showsAll: Bool) {
        state.withLock { $0.showsAll = showsAll }
        wake.signal()
    }

    private func run(_ target: Target, _ survey: TopSurvey, _ trust: TelemetryTrust, _ timeout: Duration) {
        var reader: TopReader?
        while true {
            let began = MonotonicTime.now
            var isUnavailable = false
            let showsAll = state.withLock { $0.showsAll }
            do throws(Failure) {
                if showsAll {
                    post(.reading(try survey.read()))
                    wait(since: began, isUnavailable: false, showsAll)
                    continue
                }
                if reader == nil { reader = try TopReader(try Peer(target, trust: trust, timeout: timeout)) }
                if let reading = try reader?.read() { post(.reading(reading)) }
            } catch {
                guard error.isTemporary else { return post(.failed(error)) }
                reader = nil
                isUnavailable = true
                post(.unavailable(error.message))
            }
            wait(since: began, isUnavailable: isUnavailable, showsAll)
        }
    }

    private func post(_ event: Event) {
        state.withLock { $0.events.append(event) }
        ready.signal()
    }

    /// Waits until the interval is over, which may change during the wait, or other processes are wanted.
    private func wait(since began: MonotonicTime, isUnavailable: Bool, _ showsAll: Bool) {
        while true {
            let (interval, wantsAll) = state.withLock { ($0.interval, $0.showsAll) }
            if wantsAll != showsAll { return }
            let deadline = began.advanced(by: isUnavailable ? min(interval, Self.reconnectInterval) : interval)
            var entry = pollfd(fd: wake.raw, events: Int16(POLLIN), revents: 0)
            guard case .success(1) = systemCall({ poll(&entry, 1, deadline.millisecondsLeft) }) else { return }
            _ = wake.drain()
        }
    }
}

extension Failure {
    /// Whether a later attempt may succeed: the target does not run yet, or is not ready.
    var isTemporary: Bool { [.noPeer, .timedOut, .missing].contains(status) }
}
