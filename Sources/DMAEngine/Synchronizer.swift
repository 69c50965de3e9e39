internal import DMADev
internal import LinuxSystem

/// The accesses of one ring's running operation to ``SynchronizedMemory``. For the engine's thread, and after the ring
/// was detached for the thread that did it.
final class Synchronizer {
    /// The memory that the operation may read or write.
    struct Opened {
        fileprivate(set) var memory: UnsafeMutablePointer<Unmanaged<SynchronizedMemory>>?
        fileprivate(set) var count = 0

        func contains(_ other: Unmanaged<SynchronizedMemory>) -> Bool {
            guard let memory else { return false }
            for index in 0..<count where memory[index].toOpaque() == other.toOpaque() { return true }
            return false
        }
    }

    /// What a blocked operation waits for.
    private enum Wait {
        /// The begin of an access; the operation ends with the status if it fails.
        case begin(SynchronizedMemory.Access, isWrite: Bool)
        /// The end of all accesses; the operation then ends with the status.
        case end(CompletionStatus)
    }

    /// What a blocked operation does next.
    enum Step {
        case wait
        case run
        case finish(CompletionStatus)
    }

    /// The highest number of accesses of an operation: those of a list with 64 entries on both sides.
    private static let capacity = 128

    private(set) var readable = Opened(), writable = Opened()
    private var accesses: [SynchronizedMemory.Access] = []
    private var wait: Wait?
    private var deadline = MonotonicTime.now
    private let bell: EngineBell

    init(waking bell: EngineBell) {
        self.bell = bell
        readable.memory = .allocate(capacity: Self.capacity)
        writable.memory = .allocate(capacity: Self.capacity)
    }

    deinit {
        abandon()
        readable.memory?.deallocate()
        writable.memory?.deallocate()
    }

    /// Whether the running operation is blocked.
    var isBlocked: Bool { wait != nil }

    /// Whether the operation has accesses, which must end before it does.
    var hasAccesses: Bool { !accesses.isEmpty }

    /// Requests an access for the running operation, which is blocked until ``next()`` says otherwise.
    ///
    /// - Returns: `false` when the operation has too many.
    func begin(_ memory: SynchronizedMemory, isWrite: Bool) -> Bool {
        guard accesses.count < Self.capacity else { return false }
        deadline = MonotonicTime.now.advanced(by: memory.timeout)
        wait = .begin(memory.access(isWrite: isWrite, waking: bell), isWrite: isWrite)
        return true
    }

    /// Ends all accesses; the operation is blocked until then, and ends with the status.
    func end(_ status: CompletionStatus) {
        forgetOpened()
        for access in accesses { access.end() }
        deadline = MonotonicTime.now.advanced(by: accesses.map(\.memory.timeout).max() ?? .zero)
        wait = .end(status)
    }

    /// What the blocked operation does now.
    func next() -> Step {
        switch wait {
        case nil: return .run
        case .begin(let access, let isWrite):
            switch access.state {
            case .beginning where nanosecondsLeft > 0: return .wait
            case .open:
                wait = nil
                accesses.append(access)
                if isWrite { Self.add(access.memory, to: &writable) } else { Self.add(access.memory, to: &readable) }
                return .run
            default:
                access.abandon(isLate: true)
                let status: CompletionStatus = isWrite ? .busWriteError : .busReadError
                guard hasAccesses else {
                    wait = nil
                    return .finish(status)
                }
                end(status)
                return next()
            }
        case .end(let status):
            let late = accesses.filter { $0.state == .ending }
            guard late.isEmpty || nanosecondsLeft == 0 else { return .wait }
            for access in late { access.abandon(isLate: true) }
            accesses = []
            wait = nil
            return .finish(late.isEmpty || status != .successful ? status : .busError)
        }
    }

    /// Whether the blocked operation can go on.
    var isReady: Bool {
        switch wait {
        case nil: true
        case .begin(let access, _): access.state != .beginning || nanosecondsLeft == 0
        case .end: !accesses.contains { $0.state == .ending } || nanosecondsLeft == 0
        }
    }

    /// The longest time that the engine may sleep.
    var nanosecondsUntilDue: UInt64? { wait == nil ? nil : nanosecondsLeft }

    private var nanosecondsLeft: UInt64 { deadline.nanoseconds(since: .now) }

    /// Ends all accesses without a wait: the ring is detached.
    func abandon() {
        forgetOpened()
        for access in accesses { access.abandon(isLate: false) }
        if case .begin(let access, _) = wait { access.abandon(isLate: false) }
        accesses = []
        wait = nil
    }

    private func forgetOpened() {
        readable.count = 0
        writable.count = 0
    }

    private static func add(_ memory: SynchronizedMemory, to opened: inout Opened) {
        opened.memory?[opened.count] = .passUnretained(memory)
        opened.count += 1
    }
}
