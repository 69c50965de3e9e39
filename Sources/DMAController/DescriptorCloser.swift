internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// Closes descriptors of strangers on a thread of its own: what is behind one may make `close` wait as long as it likes.
/// Gives back memory there, too.
final class DescriptorCloser: Sendable {
    private struct Queue {
        var waiting: [CInt] = []
        var mappings: [SharedMapping] = []
        var isEnding = false
    }

    private let queue: Locked<Queue>
    private let wakeUp: WakeUp
    private let thread: SystemThread

    /// What the thread sleeps on.
    private final class WakeUp: Sendable {
        let event: EventDescriptor
        let poller: Poller

        init() throws(Errno) {
            event = try EventDescriptor()
            poller = try Poller()
            try poller.add(event.raw, .readable, token: 0)
        }

        func wait() {
            withUnsafeTemporaryAllocation(of: Poller.Event.self, capacity: 1) { events in
                events.initialize(repeating: Poller.Event())
                _ = try? poller.wait(into: events)
            }
            _ = event.drain()
        }
    }

    init() throws(Errno) {
        let queue = Locked(Queue())
        let wakeUp = try WakeUp()
        self.queue = queue
        self.wakeUp = wakeUp
        thread = try SystemThread.start(name: "dma-closer") {
            while true {
                // The mappings go here, at the end of each round, and not under the lock.
                let now = queue.withLock { state in
                    defer { state = Queue(isEnding: state.isEnding) }
                    return state
                }
                for descriptor in now.waiting { _ = Glibc.close(descriptor) }
                if now.waiting.isEmpty, now.mappings.isEmpty {
                    if now.isEnding { return }
                    wakeUp.wait()
                }
            }
        }
    }

    /// Takes descriptors over.
    func close(_ descriptors: [CInt]) {
        guard !descriptors.isEmpty else { return }
        queue.withLock { $0.waiting += descriptors }
        wakeUp.event.signal()
    }

    /// Takes mappings over: where the last reference is given up, giving back many pages takes its time.
    func release(_ mappings: [SharedMapping]) {
        guard !mappings.isEmpty else { return }
        queue.withLock { $0.mappings += mappings }
        wakeUp.event.signal()
    }

    /// The thread ends by itself once it has closed everything: what it hangs in is not waited for.
    deinit {
        queue.withLock { $0.isEnding = true }
        wakeUp.event.signal()
        thread.detach()
    }
}
