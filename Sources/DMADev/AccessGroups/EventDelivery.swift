internal import Glibc
internal import LinuxSystem
internal import Synchronization
internal import SystemPackage

/// Delivers the events of one device to its callbacks, on a separate thread that starts with the first registration.
///
/// Unregistering from another thread waits until the callback has returned; unregistering from within a callback does
/// not wait. So an application must not unregister while holding a lock that the callback takes.
final class EventDelivery: @unchecked Sendable {
    // `word` is the only member that is not safe by its type: an atomic, freed with the last reference. The lock guards
    // everything else.

    /// The events that a registration covers.
    enum Interest: Hashable {
        /// A kind of event, of any group of the device.
        case table(AccessTableEvent)
        /// The events of one group, and of no later group with its number.
        case group(AccessGroupID, identity: UInt64)

        func covers(_ event: AccessGroupEvent) -> Bool {
            switch self {
            case .table(let kind): kind == event.tableEvent
            case .group(let group, let identity): group == event.group && identity == event.identity
            }
        }
    }

    private struct Registration {
        var number: UInt64
        var interest: Interest
        var callback: AccessGroupCallback
    }

    private struct State {
        var registrations: [Registration] = []
        var lastNumber: UInt64 = 0
        var events: [(device: Int16, event: AccessGroupEvent)] = []
        /// Running calls that will add a registration: no event is delivered before that.
        var holds = 0
        /// The registration whose callback is running.
        var running: UInt64?
        var thread: pthread_t?
        var isEnded = false
    }

    private enum Step {
        case wait, end
        case deliver(Int16, AccessGroupEvent, [Registration])
    }

    private let state = Locked(State())
    /// Increases, and wakes all waiters, after each state change that a thread may wait for.
    private let word: UnsafeMutablePointer<Atomic<UInt32>>

    init() {
        word = .allocate(capacity: 1)
        word.initialize(to: Atomic(0))
    }

    deinit {
        word.deinitialize(count: 1)
        word.deallocate()
    }

    // MARK: Registering

    /// Adds a registration.
    ///
    /// - Throws: `EEXIST` when an equal one exists.
    func register(_ callback: AccessGroupCallback, for interest: Interest) throws(DMAError) {
        let problem: DMAError? = state.withLock { state in
            guard !state.isEnded else { return DMAError(.noDevice, .invalidArgument, "the device was closed") }
            guard !state.registrations.contains(where: { $0.interest == interest && $0.callback.isSame(as: callback) })
            else {
                return DMAError(.exists, .fileExists, "this callback is already registered for this event")
            }
            if state.thread == nil {
                do throws(Errno) {
                    try SystemThread.start(name: "dma-events") { self.run() }.detach()
                } catch {
                    return DMAError(.system, error, "cannot start a thread for callbacks")
                }
                // A placeholder until the thread stores its ID; no caller can run on it before.
                state.thread = pthread_t()
            }
            state.lastNumber += 1
            state.registrations.append(
                Registration(number: state.lastNumber, interest: interest, callback: callback))
            return nil
        }
        if let problem { throw problem }
    }

    /// Removes exactly the matching registration.
    ///
    /// - Throws: `ENOENT` without a match.
    func unregister(_ callback: AccessGroupCallback, for interest: Interest) throws(DMAError) {
        let numbers = remove { $0.interest == interest && $0.callback.isSame(as: callback) }
        guard !numbers.isEmpty else {
            throw DMAError(.notFound, .noSuchFileOrDirectory, "this callback is not registered for this event")
        }
        waitUntilNoneRuns(of: numbers)
    }

    /// Removes the callback and the undelivered events of a group that the device has left.
    ///
    /// - Returns: the removed registrations, for ``waitUntilNoneRuns(of:)``.
    func remove(_ group: AccessGroupID) -> [UInt64] {
        let numbers = remove { registration in
            if case .group(group, _) = registration.interest { true } else { false }
        }
        state.withLock { $0.events.removeAll { $0.event.group == group } }
        return numbers
    }

    /// Runs `body` while delivery is paused, so that a registration made by it misses no event; events are queued
    /// meanwhile.
    func holding<R>(_ body: () throws(DMAError) -> R) throws(DMAError) -> R {
        state.withLock { $0.holds += 1 }
        defer {
            state.withLock { $0.holds -= 1 }
            announce()
        }
        return try body()
    }

    // MARK: Events

    /// Queues an event that callbacks are called for; never waits for a callback.
    func post(_ event: AccessGroupEvent, from device: Int16) {
        guard event.tableEvent != nil else { return }
        state.withLock { state in
            // Without a registration, present or pending, the event is dropped.
            guard !state.isEnded, !state.registrations.isEmpty || state.holds > 0 else { return }
            state.events.append((device, event))
        }
        announce()
    }

    /// Ends delivery; undelivered events are dropped.
    ///
    /// - Parameter waiting: whether to wait until a running callback has returned, unless it is the caller.
    func end(waiting: Bool) {
        state.withLock { state in
            state.isEnded = true
            state.events = []
        }
        let numbers = remove { _ in true }
        announce()
        if waiting { waitUntilNoneRuns(of: numbers) }
    }

    // MARK: Inside

    private func remove(_ isMeant: (Registration) -> Bool) -> [UInt64] {
        state.withLock { state in
            let numbers = state.registrations.filter(isMeant).map(\.number)
            state.registrations.removeAll { numbers.contains($0.number) }
            // Ending delivery also waits for a running callback that has unregistered itself.
            return state.isEnded ? numbers + [state.running].compactMap { $0 } : numbers
        }
    }

    /// Waits until the callbacks of removed registrations have returned, unless the caller is in one of them.
    func waitUntilNoneRuns(of numbers: [UInt64]) {
        while true {
            let seen = word.pointee.load(ordering: .acquiring)
            let isRunning = state.withLock { state in
                guard let running = state.running, numbers.contains(running) else { return false }
                return state.thread.map { pthread_equal($0, pthread_self()) == 0 } ?? false
            }
            guard isRunning else { return }
            Futex.wait(word, while: seen)
        }
    }

    private func announce() {
        word.pointee.wrappingAdd(1, ordering: .releasing)
        Futex.wakeAll(word)
    }

    private func run() {
        state.withLock { $0.thread = pthread_self() }
        while true {
            let seen = word.pointee.load(ordering: .acquiring)
            switch nextStep() {
            case .end: return
            case .wait: Futex.wait(word, while: seen)
            case .deliver(let device, let event, let registrations):
                for registration in registrations { call(registration, device, event) }
                if event.kind == .destroyed {
                    _ = remove { $0.interest == .group(event.group, identity: event.identity) }
                }
            }
        }
    }

    private func nextStep() -> Step {
        state.withLock { state in
            if state.isEnded { return .end }
            guard state.holds == 0, !state.events.isEmpty else { return .wait }
            let (device, event) = state.events.removeFirst()
            return .deliver(device, event, state.registrations.filter { $0.interest.covers(event) })
        }
    }

    private func call(_ registration: Registration, _ device: Int16, _ event: AccessGroupEvent) {
        let isWanted = state.withLock { state in
            guard state.registrations.contains(where: { $0.number == registration.number }) else { return false }
            state.running = registration.number
            return true
        }
        guard isWanted else { return }
        registration.callback.body(device, event)
        state.withLock { $0.running = nil }
        announce()
    }
}
