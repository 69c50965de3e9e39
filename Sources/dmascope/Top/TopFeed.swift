import Glibc
import LinuxSystem
import Synchronization
import SystemPackage

/// Reads a target again and again on a thread of its own, so that keys are answered while the target is not; comes back
/// to a target that has gone.
final class TopFeed: Sendable {
    /// What has come.
    enum Event: Sendable {
        case reading(TopReading)
        /// The target does not answer; the feed goes on trying.
        case absent(String)
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
    }

    /// At least so often a target that has gone is looked for.
    private static let longestAbsence = Duration.seconds(1)

    init(_ target: Target, timeout: Duration, interval: Duration) throws(Failure) {
        do throws(Errno) {
            ready = try EventDescriptor()
            wake = try EventDescriptor()
        } catch {
            throw Failure("cannot watch the target: \(error): close other programs")
        }
        state = Mutex(State(interval: interval))
        do throws(Errno) {
            // It ends with the process: a target that hangs is not waited for.
            try SystemThread.start(name: "top-feed") { self.run(target, timeout) }.detach()
        } catch {
            throw Failure("cannot watch the target: \(error): close other programs")
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

    /// Sets the time between readings, the current one included.
    func setInterval(_ interval: Duration) {
        state.withLock { $0.interval = interval }
        wake.signal()
    }

    private func run(_ target: Target, _ timeout: Duration) {
        var reader: TopReader?
        while true {
            let began = MonotonicTime.now
            var isAbsent = false
            do throws(Failure) {
                if reader == nil { reader = try TopReader(try Peer(target, timeout: timeout)) }
                if let reading = try reader?.read() { post(.reading(reading)) }
            } catch {
                guard error.isAbsence else { return post(.failed(error)) }
                reader = nil
                isAbsent = true
                post(.absent(error.message))
            }
            wait(since: began, isAbsent)
        }
    }

    private func post(_ event: Event) {
        state.withLock { $0.events.append(event) }
        ready.signal()
    }

    /// Waits until the interval is over, which may change meanwhile.
    private func wait(since began: MonotonicTime, _ isAbsent: Bool) {
        while true {
            let interval = state.withLock { $0.interval }
            let deadline = began.advanced(by: isAbsent ? min(interval, Self.longestAbsence) : interval)
            var entry = pollfd(fd: wake.raw, events: Int16(POLLIN), revents: 0)
            guard case .success(1) = systemCall({ poll(&entry, 1, deadline.millisecondsLeft) }) else { return }
            _ = wake.drain()
        }
    }
}

extension Failure {
    /// Whether it may go by itself: the target is not there, or not ready.
    var isAbsence: Bool { [.noPeer, .timedOut, .lacking].contains(status) }
}
