internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// Asks a thread that waits for events whether it still takes them.
final class LoopPing: Sendable {
    /// The thread waits for it, edge-triggered.
    let request: EventDescriptor
    private let answered: EventDescriptor

    init() throws(Errno) {
        request = try EventDescriptor()
        answered = try EventDescriptor()
    }

    /// Called by the thread at the event.
    func answer() {
        _ = request.drain()
        answered.signal()
    }

    /// Whether the thread answers in that time. One caller at a time.
    func isAnswered(within timeout: Duration) -> Bool {
        _ = answered.drain()
        request.signal()
        let deadline = MonotonicTime.now.advanced(by: timeout)
        var entry = pollfd(fd: answered.raw, events: Int16(POLLIN), revents: 0)
        guard case .success(1) = systemCall({ poll(&entry, 1, deadline.millisecondsLeft) }) else { return false }
        return true
    }
}
