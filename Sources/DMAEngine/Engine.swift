internal import CDMATrace
internal import CLinux
internal import LinuxSystem
internal import Synchronization
public import SystemPackage

/// An engine: the thread that executes operations. One or more rings share it.
///
/// It takes the rings of the highest priority that has work in turn, a burst or a chunk of each, and looks anew; so a
/// backlogged high priority starves a low one. When all rings are empty it spins for a moment, and then sleeps until a
/// doorbell wakes it. All calls may come from any thread.
///
/// The class is named `Engine` because a type never bears its module's name.
public final class Engine: Sendable {
    /// Number of the engine in this process, for traces and `dump`.
    public let id: UInt32

    private let shared: SharedState
    private let thread: SystemThread

    /// Starts an engine.
    ///
    /// - Parameters:
    ///   - name: of its thread, up to 15 bytes.
    ///   - idleRounds: how many empty rounds it spins before it sleeps, from 0; 1,000 are some 25 µs, longer than an
    ///     application that polls takes to come back. More are for who would rather pay a processor than the 30 to 60 µs
    ///     of a wake-up.
    ///   - isSharedWithProcesses: whether other processes wake it, too: see ``watch(_:)``. It then wakes a little slower.
    /// - Throws: the errno of the thread, the descriptors or the fault handlers that could not be had.
    public init(
        name: String = "dma-engine", idleRounds: UInt32 = 1000, isSharedWithProcesses: Bool = false
    ) throws(Errno) {
        dmatrace_load()
        let installed = clinux_guard_install()
        guard installed == 0 else { throw Errno(rawValue: installed) }
        let id = Self.nextID.wrappingAdd(1, ordering: .relaxed).oldValue
        let shared = SharedState(id: id, descriptors: isSharedWithProcesses ? try BellDescriptors() : nil)
        self.id = id
        self.shared = shared
        thread = try SystemThread.start(name: name) { EngineLoop(shared, idleRounds).run() }
    }

    /// Ends the thread. Rings keep their engine, so none is attached any more.
    deinit {
        shared.change { $0.isStopping = true }
        thread.join()
    }

    /// Serves a ring from now on.
    func attach(_ ring: EngineRing) {
        shared.changeAndWait { $0.rings.append(ring) }
    }

    /// Serves a ring no longer; when this returns, the engine touches none of its memory.
    func detach(_ ring: EngineRing) {
        shared.changeAndWait { state in state.rings.removeAll { $0 === ring } }
    }

    /// Waits until the thread has passed between two rounds: what it looked up before, it holds no longer.
    func passQuiescentPoint() {
        shared.changeAndWait { _ in }
    }

    /// What wakes this engine.
    var bell: EngineBell { shared.bell }

    /// What other processes wake it with; `nil` for an engine of this process only.
    var bellDescriptors: BellDescriptors? { shared.descriptors }

    private static let nextID = Atomic<UInt32>(0)
}

/// What an engine's thread and its controllers share.
///
/// A change is made under the lock and announced by a generation number; the thread takes the new list between two
/// rounds and answers with the generation. That answer is the quiescent point: what was removed is not touched again.
final class SharedState: @unchecked Sendable {
    struct Control {
        var rings: [EngineRing] = []
        var isStopping = false
        var generation: UInt32 = 0
    }

    let id: UInt32
    let bell: EngineBell
    let descriptors: BellDescriptors?
    private let control = Locked(Control())
    // Constant, and so is `bell`; the three words behind it are atomic, each on a cache line of its own: the thread reads
    // the second in every round.
    private let words: UnsafeMutablePointer<UInt32>
    private var requested: UnsafeMutablePointer<Atomic<UInt32>> { (words + 16).atomic }
    private var answered: UnsafeMutablePointer<Atomic<UInt32>> { (words + 32).atomic }

    init(id: UInt32, descriptors: BellDescriptors?) {
        self.id = id
        self.descriptors = descriptors
        let lines = UnsafeMutableRawPointer.allocate(byteCount: 3 * 64, alignment: 64)
        words = lines.bindMemory(to: UInt32.self, capacity: 48)
        words.initialize(repeating: 0, count: 48)
        bell = EngineBell(
            word: words, event: descriptors?.event.raw ?? -1, poller: descriptors?.poller.raw ?? -1)
    }

    deinit {
        words.deallocate()
    }

    @discardableResult
    func change(_ body: (inout Control) -> Void) -> UInt32 {
        let generation = control.withLock { state in
            body(&state)
            state.generation &+= 1
            requested.pointee.store(state.generation, ordering: .sequentiallyConsistent)
            return state.generation
        }
        bell.ring()
        return generation
    }

    func changeAndWait(_ body: (inout Control) -> Void) {
        let generation = change(body)
        while true {
            let answer = answered.pointee.load(ordering: .acquiring)
            if Int32(bitPattern: answer &- generation) >= 0 { return }
            Futex.wait(answered, while: answer)
        }
    }

    /// Whether there was a change since `generation`.
    func hasChanged(since generation: UInt32) -> Bool {
        requested.pointee.load(ordering: .sequentiallyConsistent) != generation
    }

    /// What stands now.
    func current() -> Control { control.withLock { $0 } }

    /// Tells whoever waits that the thread works with this generation.
    func answer(_ generation: UInt32) {
        answered.pointee.store(generation, ordering: .releasing)
        Futex.wakeAll(answered)
    }
}

/// The loop of an engine's thread.
private struct EngineLoop {
    private let shared: SharedState
    private let idleRounds: UInt32
    // The rings keep the consumers' memory alive; the rounds go over bare pointers, without reference counts.
    private var rings: [EngineRing] = []
    private var consumers: [UnsafeMutablePointer<RingConsumer>] = []
    /// Where in `consumers` each priority begins, the highest, which has the lowest value, first.
    private var levels: [Range<Int>] = []
    private var generation: UInt32 = 0

    init(_ shared: SharedState, _ idleRounds: UInt32) {
        self.shared = shared
        self.idleRounds = idleRounds
    }

    consuming func run() {
        dmatrace_dmadev_engine_engine_start(shared.id)
        var empty: UInt32 = 0
        while true {
            if shared.hasChanged(since: generation), !takeChanges() { break }
            if serve() {
                empty = 0
            } else if empty < idleRounds {
                empty += 1
                relaxProcessor()
            } else {
                empty = 0
                sleep()
            }
        }
        dmatrace_dmadev_engine_engine_stop(shared.id)
    }

    /// - Returns: whether the engine goes on.
    private mutating func takeChanges() -> Bool {
        let control = shared.current()
        rings = control.rings.sorted { $0.priority < $1.priority }
        consumers = rings.map(\.consumer)
        levels = []
        for index in rings.indices {
            if let last = levels.last, rings[last.lowerBound].priority == rings[index].priority {
                levels[levels.count - 1] = last.lowerBound..<index + 1
            } else {
                levels.append(index..<index + 1)
            }
        }
        generation = control.generation
        shared.answer(generation)
        return !control.isStopping
    }

    /// A round: a part of each ring of the highest priority that has work.
    private func serve() -> Bool {
        for (place, level) in levels.enumerated() {
            var served = false
            for index in level {
                if place > 0 {
                    guard consumers[index].pointee.hasWork() else { continue }
                    if hasWork(above: level) { return true }
                }
                if consumers[index].pointee.step() { served = true }
            }
            if served { return true }
        }
        return false
    }

    /// Whether a higher priority has work after all: its doorbell may have rung after it was looked at, and before the
    /// one that was just seen.
    private func hasWork(above level: Range<Int>) -> Bool {
        consumers[..<level.lowerBound].contains { $0.pointee.hasWork() }
    }

    /// Sleeps until a bell. The order is what loses no wake-up: note the bell, raise the flags, pass the barrier, look
    /// once more, sleep unless the bell has moved; see ``RingProducer/submit()`` for the other half. When the system has
    /// no memory for the barrier, there is no sleep: this is tried again after another spin.
    private func sleep() {
        let bell = shared.bell.value()
        for consumer in consumers { consumer.pointee.setNeedWakeup(true) }
        let hasPassed = AsymmetricFence.heavy() || !AsymmetricFence.isOffered
        if hasPassed, !shared.hasChanged(since: generation), !consumers.contains(where: { $0.pointee.hasWork() }) {
            dmatrace_dmadev_engine_sleep(shared.id)
            shared.bell.sleep(
                unlessChangedFrom: bell, atMost: consumers.lazy.compactMap { $0.pointee.nanosecondsUntilDue() }.min())
            dmatrace_dmadev_engine_wake(shared.id)
        }
        for consumer in consumers { consumer.pointee.setNeedWakeup(false) }
    }
}
