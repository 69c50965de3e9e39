internal import LinuxSystem
internal import Synchronization

/// Memory that may be accessed only between two calls, each of which can wait for devices without a limit: a dma-buf of
/// another process.
///
/// An engine does not make these calls. It requests an access, serves other rings until the first call has returned,
/// accesses the memory, and requests the second call. An operation whose calls do not return in time fails; from then
/// on requests fail at once, until the late call has returned.
public final class SynchronizedMemory: Sendable {
    /// The two calls.
    public struct Calls: Sendable {
        /// Runs a function on a thread that only the owner of the memory waits for.
        public var run: @Sendable (@escaping @Sendable () -> Void) -> Void
        /// Begins an access; returns whether it has begun.
        public var begin: @Sendable (_ isWrite: Bool) -> Bool
        /// Ends an access that has begun.
        public var end: @Sendable (_ isWrite: Bool) -> Void

        /// The functions are called on threads of `run` only.
        public init(
            run: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void,
            begin: @escaping @Sendable (_ isWrite: Bool) -> Bool, end: @escaping @Sendable (_ isWrite: Bool) -> Void
        ) {
            self.run = run
            self.begin = begin
            self.end = end
        }
    }

    /// The longest time that an operation waits for a call.
    public let timeout: Duration
    private let calls: Calls
    /// The number of calls that took too long and have not returned.
    private let late = Atomic<Int>(0)

    /// - Parameters:
    ///   - timeout: the longest time that an operation waits for a call.
    ///   - calls: begin and end an access.
    public init(timeout: Duration, calls: Calls) {
        self.timeout = timeout
        self.calls = calls
    }

    /// Whether a call has taken too long and has not returned.
    public var isStalled: Bool { late.load(ordering: .relaxed) > 0 }

    /// One access. For the engine's thread; the calls are made by others.
    final class Access: Sendable {
        enum State: UInt32 {
            /// The first call has not returned.
            case beginning
            /// The memory may be accessed.
            case open
            /// It may not: the first call failed, or another one is late.
            case failed
            /// The second call has not returned.
            case ending
            case ended
            /// The engine no longer waits for a call.
            case abandoned
            /// The same, because the call took too long.
            case late
        }

        let memory: SynchronizedMemory
        private let isWrite: Bool
        private let word: Atomic<UInt32>
        /// Wakes the engine; `nil` when it no longer waits, and may be gone.
        private let bell: Locked<EngineBell?>

        fileprivate init(_ memory: SynchronizedMemory, isWrite: Bool, _ state: State, _ bell: EngineBell) {
            self.memory = memory
            self.isWrite = isWrite
            word = Atomic(state.rawValue)
            self.bell = Locked(bell)
        }

        var state: State {
            // Only raw values of states are stored.
            State(rawValue: word.load(ordering: .acquiring)).unsafelyUnwrapped
        }

        private func change(_ old: State, to new: State) -> Bool {
            word.compareExchange(
                expected: old.rawValue, desired: new.rawValue, ordering: .acquiringAndReleasing
            ).exchanged
        }

        private func wake() {
            bell.withLock { $0?.ring() }
        }

        fileprivate func begin() {
            let calls = memory.calls
            calls.run { [self] in
                let hasBegun = calls.begin(isWrite)
                if change(.beginning, to: hasBegun ? .open : .failed) { return wake() }
                if hasBegun { calls.end(isWrite) }
                returnedLate()
            }
        }

        /// Requests the second call of an open access: ``state`` says when it has returned.
        func end() {
            guard change(.open, to: .ending) else { return }
            let calls = memory.calls
            calls.run { [self] in
                calls.end(isWrite)
                if change(.ending, to: .ended) { return wake() }
                returnedLate()
            }
        }

        private func returnedLate() {
            if state == .late { memory.late.subtract(1, ordering: .relaxed) }
        }

        /// Waits no longer for a call, and no longer uses the access: if it has begun, it is ended.
        ///
        /// - Parameter isLate: the call has taken too long.
        func abandon(isLate: Bool) {
            bell.withLock { $0 = nil }
            // Counted first: the call can return at any time.
            if isLate { memory.late.add(1, ordering: .relaxed) }
            while true {
                let now = state
                switch now {
                case .open: end()
                case .beginning, .ending:
                    if change(now, to: isLate ? .late : .abandoned) { return }
                case .failed, .ended, .abandoned, .late:
                    if isLate { memory.late.subtract(1, ordering: .relaxed) }
                    return
                }
            }
        }
    }

    /// Requests an access.
    func access(isWrite: Bool, waking bell: EngineBell) -> Access {
        let access = Access(self, isWrite: isWrite, isStalled ? .failed : .beginning, bell)
        if access.state == .beginning { access.begin() }
        return access
    }
}
