internal import CDMADev
internal import DMADev
internal import LinuxSystem
internal import SystemPackage

/// Those who wait for completions of one device, and the thread that notifies them: it sleeps until an engine has published
/// something that it watches, in this process or another one. The engine's own thread runs no code of the application.
final class CompletionWaits: Sendable {
    private struct Wait {
        let number: UInt64
        let ring: ApplicationRing
        /// The number of finished operations that are waited for.
        let target: UInt64
        let notify: @Sendable () -> Void
    }

    private struct State {
        /// By channel: one thread at a time uses a channel.
        var waits: [UInt16: Wait] = [:]
        var count: UInt64 = 0
        var isStopping = false
    }

    private let state: Locked<State>
    private let announced: ChangeCount
    private let thread: SystemThread

    init() throws(Errno) {
        let (state, announced) = (Locked(State()), ChangeCount())
        thread = try SystemThread.start(name: "dma-waits") { Self.run(state, announced) }
        self.state = state
        self.announced = announced
    }

    deinit {
        state.withLock { $0.isStopping = true }
        announced.increment()
        // A notification may release the last reference; a thread cannot wait for itself.
        if thread.isCurrent { thread.detach() } else { thread.join() }
    }

    /// Calls `notify` once when the ring has a finished operation that was not polled; for the thread that uses the channel.
    ///
    /// - Returns: ends the wait; a notification may be on its way.
    func add(
        _ vchan: UInt16, _ ring: ApplicationRing, _ notify: @escaping @Sendable () -> Void
    ) throws(DMAError) -> @Sendable () -> Void {
        let target = ring.producer.released &+ 1
        guard ring.producer.rung &- target < UInt64(Int64.max) else {
            throw DMAError(
                .invalidArgument, .invalidArgument,
                "virtual channel \(vchan) has no operation to wait for: all that were submitted were polled")
        }
        let number = try state.withLock { state throws(DMAError) in
            guard state.waits[vchan] == nil else {
                throw DMAError(.busy, .resourceBusy, "another task waits for a completion of virtual channel \(vchan)")
            }
            state.count += 1
            state.waits[vchan] = Wait(number: state.count, ring: ring, target: target, notify: notify)
            return state.count
        }
        do throws(DMAError) {
            // The wait is known before the engine can announce its end. What is finished already, and what a detached ring
            // or an ended process will never publish, ends it here.
            if ring.hasPublished(target) {
                end(vchan, number)?.notify()
            } else if try !ring.announce(target, to: announced) {
                end(vchan, number)?.notify()
            }
        } catch {
            _ = end(vchan, number)
            throw error
        }
        return { [state] in _ = Self.end(vchan, number, state) }
    }

    /// Ends all waits: the device was stopped.
    func endAll() {
        let all = state.withLock { state in
            defer { state.waits = [:] }
            return Array(state.waits.values)
        }
        for wait in all { wait.notify() }
    }

    private func end(_ vchan: UInt16, _ number: UInt64) -> Wait? { Self.end(vchan, number, state) }

    private static func end(_ vchan: UInt16, _ number: UInt64, _ state: Locked<State>) -> Wait? {
        state.withLock { state in
            guard state.waits[vchan]?.number == number else { return nil }
            return state.waits.removeValue(forKey: vchan)
        }
    }

    private static func run(_ state: Locked<State>, _ announced: ChangeCount) {
        while true {
            // First: what is announced after the look below changes the count.
            let seen = announced.value
            let (ended, isStopping) = state.withLock { state in
                let ended = state.waits.filter { $0.value.ring.hasPublished($0.value.target) }
                for vchan in ended.keys { state.waits[vchan] = nil }
                return (Array(ended.values), state.isStopping)
            }
            for wait in ended { wait.notify() }
            if isStopping { return }
            announced.wait(while: seen)
        }
    }
}

extension RingMemory {
    /// Whether so many operations are finished, or never will be. Any thread.
    func hasPublished(_ target: UInt64) -> Bool {
        Int64(bitPattern: consumerPage.member(\.completed).loadAcquiring() &- target) >= 0 || isHalted
    }
}
