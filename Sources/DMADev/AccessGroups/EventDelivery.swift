internal import Glibc
internal import LinuxSystem
internal import Synchronization
internal import SystemPackage

/// Carries the events of one device to its callbacks, on a thread of its own that starts with the first registration.
///
/// Who unregisters a callback from another thread waits until it is not running any more; who does so from within one
/// does not. So an application must not unregister while it holds a lock that the callback takes.
final class EventDelivery: @unchecked Sendable {
    // `word` is the one member that is not safe by its type: an atomic, freed with the last reference. Everything else
    // is behind the lock.

    /// What a registration is for.
    enum Interest: Hashable {
        /// A kind of event, of any group of the device.
        case table(AccessTableEvent)
        /// All events of one group.
        case group(AccessGroupID)

        func covers(_ event: AccessGroupEvent) -> Bool {
            switch self {
            case .table(let kind): kind == event.tableEvent
            case .group(let group): group == event.group
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
        /// Calls under way whose registration is still to come: no event is delivered before it.
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
    /// Changes, and wakes, whenever the state has changed in a way that somebody may wait for.
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
    /// - Throws: `EEXIST` when there is the same one.
    func register(_ callback: AccessGroupCallback, for interest: Interest) throws(DMAError) {
        let problem: DMAError? = state.withLock { state in
            guard !state.isEnded else { return DMAError(.noDevice, .invalidArgument, "the device was closed") }
            guard !state.registrations.contains(where: { $0.interest == interest && $0.callback.isSame(as: callback) })
            else {
                return DMAError(.exists, .fileExists, "this callback is registered for this event already")
            }
            if state.thread == nil {
                do throws(Errno) {
                    try SystemThread.start(name: "dma-events") { self.run() }.detach()
                } catch {
                    return DMAError(.system, error, "a thread for callbacks cannot be started")
                }
                // Until the thread has said which it is, nobody can be on it.
                state.thread = pthread_t()
            }
            state.lastNumber += 1
            state.registrations.append(
                Registration(number: state.lastNumber, interest: interest, callback: callback))
            return nil
        }
        if let problem { throw problem }
    }

    /// Takes exactly the matching registration away.
    ///
    /// - Throws: `ENOENT` when there is none.
    func unregister(_ callback: AccessGroupCallback, for interest: Interest) throws(DMAError) {
        let numbers = remove { $0.interest == interest && $0.callback.isSame(as: callback) }
        guard !numbers.isEmpty else {
            throw DMAError(.notFound, .noSuchFileOrDirectory, "this callback is not registered for this event")
        }
        waitUntilNoneRuns(of: numbers)
    }

    /// Forgets a group that the device is no longer in: its own callback and its undelivered events.
    func forget(_ group: AccessGroupID) {
        let numbers = remove { $0.interest == .group(group) }
        state.withLock { $0.events.removeAll { $0.event.group == group } }
        waitUntilNoneRuns(of: numbers)
    }

    /// Runs `body` while no event is delivered, so that what it registers misses none; events wait meanwhile.
    func holding<R>(_ body: () throws(DMAError) -> R) throws(DMAError) -> R {
        state.withLock { $0.holds += 1 }
        defer {
            state.withLock { $0.holds -= 1 }
            announce()
        }
        return try body()
    }

    // MARK: Events

    /// Takes an event; never waits for a callback.
    func post(_ event: AccessGroupEvent, from device: Int16) {
        state.withLock { state in
            // Where nobody can ask for it any more, it need not wait.
            guard !state.isEnded, !state.registrations.isEmpty || state.holds > 0 else { return }
            state.events.append((device, event))
        }
        announce()
    }

    /// Ends delivery: what was not delivered is dropped.
    ///
    /// - Parameter waiting: until a callback that runs has returned, unless that is the caller.
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
            // One that took itself away while it runs is still waited for by whoever ends delivery.
            return state.isEnded ? numbers + [state.running].compactMap { $0 } : numbers
        }
    }

    private func waitUntilNoneRuns(of numbers: [UInt64]) {
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
                if event.kind == .destroyed { _ = remove { $0.interest == .group(event.group) } }
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
