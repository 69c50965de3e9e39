internal import CDMATrace
internal import CLinux
public import DMADev
public import LinuxSystem
internal import Synchronization
public import SystemPackage

/// An engine: the thread that executes operations. One or more rings share it.
///
/// In each round it serves one ring, a burst or a chunk: rings of the highest priority that has work, in turn. So a high
/// priority that always has work starves lower ones. Where rings belong to several tenants, these take turns first, with
/// equal shares of the engine's time, and priorities order the devices of one tenant. When all rings are empty, it spins
/// briefly and then sleeps until a doorbell wakes it, unless ``EngineIdling`` says otherwise. Any thread may call.
///
/// The class is not named `DMAEngine` because a type must not have its module's name.
public final class Engine: Sendable {
    /// Number of the engine in this process, for traces and `dump`.
    public let id: UInt32

    private let name: String
    private let idling: EngineIdling
    private let shared: SharedState
    private let thread: SystemThread

    /// Starts an engine.
    ///
    /// - Parameters:
    ///   - name: name of its thread, up to 15 bytes.
    ///   - idleRounds: number of empty rounds before it sleeps, from 0; 1,000 take about 25 µs, longer than the pause
    ///     of a polling application. More rounds use processor time to avoid the 30 to 60 µs of a wake-up.
    ///   - idling: what it does after these rounds.
    ///   - isSharedWithProcesses: whether other processes wake it, too: see ``watch(_:)``. A wake-up then takes
    ///     slightly longer.
    ///   - processors: the processors that its thread may run on; `nil`: all that the cgroup of the process allows. The
    ///     mask of the calling thread is not inherited.
    /// - Throws: `EINVAL` for processors that the cgroup does not allow; the errno of the call that failed to create the
    ///   thread, the descriptors or the fault handlers.
    public init(
        name: String = "dma-engine", idleRounds: UInt32 = 1000, idling: EngineIdling = .sleep,
        isSharedWithProcesses: Bool = false, processors: ProcessorSet? = nil
    ) throws(Errno) {
        if let processors {
            guard processors.isSubset(of: try ProcessorSet.allowed()) else { throw Errno.invalidArgument }
        }
        dmatrace_load()
        let installed = clinux_guard_install()
        guard installed == 0 else { throw Errno(rawValue: installed) }
        let id = Self.nextID.wrappingAdd(1, ordering: .relaxed).oldValue
        let shared = SharedState(id: id, descriptors: isSharedWithProcesses ? try BellDescriptors() : nil)
        self.id = id
        self.name = name
        self.idling = idling
        self.shared = shared
        thread = try SystemThread.start(name: name) { EngineLoop(shared, idleRounds, idling).run() }
        // It fails only if the cgroup has changed since the check, or the system forbids the call: then the thread keeps
        // the inherited mask.
        try? thread.run(on: processors ?? .all)
    }

    /// Ends the thread. Rings hold a reference to their engine, so none is attached now.
    deinit {
        shared.change { $0.assignment.isStopping = true }
        thread.join()
    }

    /// Adds a ring to the rounds: the next one has it.
    func attach(_ ring: EngineRing) {
        shared.change { state in
            state.rings.insert(ring)
            state.counted.insert(ring)
            state.assignment.changes.append(.add(ring.served, ring.key))
        }
    }

    /// Removes a ring; when this returns, the engine does not access its memory.
    func detach(_ ring: EngineRing) {
        waitFor(remove([ring]))
    }

    /// Removes rings in one change: the engine does not access their memory after the returned point. Rings that are removed
    /// already stay so.
    func remove(_ rings: [EngineRing]) -> QuiescentPoint {
        let generation = shared.change { state in
            let attached = rings.filter { state.rings.remove($0) }
            state.assignment.changes.append(.remove(attached.map(\.served)))
        }
        return QuiescentPoint(generation: generation)
    }

    /// Makes the thread announce when a ring has so many finished operations, or is halted or removed. A ring has one watch,
    /// the latest.
    ///
    /// - Returns: `false` when the ring is not attached.
    func watch(_ ring: EngineRing, until target: UInt64, _ recipient: CompletionRecipient) -> Bool {
        var isAttached = false
        shared.change { state in
            isAttached = state.rings.contains(ring)
            guard isAttached else { return }
            state.assignment.changes.append(
                .watch(CompletionWatch(consumer: ring.consumer, target: target, recipient: recipient)))
        }
        return isAttached
    }

    /// Keeps the counts of a detached ring, which no longer change.
    func forget(_ ring: EngineRing) {
        shared.keepCounts(of: ring)
    }

    /// What the engine has done, and what it serves. Any thread.
    public var report: EngineReport {
        let (rings, operations, bytes) = shared.work()
        let (busy, sleeps) = EngineActivity.read(shared.activity)
        return EngineReport(
            id: id, name: name, busyNanoseconds: Ticks().nanoseconds(from: 0, to: busy), sleeps: sleeps,
            operations: operations, bytes: bytes, rings: rings,
            processors: (try? thread.processors)?.description ?? "", idling: idling.rawValue)
    }

    /// Where the engine counts its time.
    var activity: EngineActivity.Place { shared.activity }

    /// A point between two rounds of the thread.
    public struct QuiescentPoint: Sendable {
        let generation: UInt32
    }

    /// Requests that the thread starts a new round: from then on it no longer uses earlier lookups.
    public func requestQuiescentPoint() -> QuiescentPoint {
        QuiescentPoint(generation: shared.change { _ in })
    }

    /// Whether the thread has passed a point. Any thread; never waits.
    public func hasPassed(_ point: QuiescentPoint) -> Bool { shared.hasAcknowledged(point.generation) }

    /// Waits for a point. Any thread except the engine's own.
    public func waitFor(_ point: QuiescentPoint) { shared.waitFor(point.generation) }

    /// Waits for a point, at most for some time. Any thread except the engine's own.
    ///
    /// - Returns: whether the thread has passed it.
    public func waitFor(_ point: QuiescentPoint, within timeout: Duration) -> Bool {
        shared.waitFor(point.generation, until: MonotonicTime.now.advanced(by: timeout))
    }

    /// Waits until the thread has started a new round: it no longer uses earlier lookups.
    func passQuiescentPoint() { waitFor(requestQuiescentPoint()) }

    /// An eventfd that the thread signals at each point; -1 for an engine of this process only. It is closed with the
    /// engine.
    public var quiescenceEvent: CInt { shared.descriptors?.quiescence.raw ?? -1 }

    /// Wakes this engine.
    var bell: EngineBell { shared.bell }

    /// The descriptors that other processes use to wake it; `nil` for an engine of this process only.
    var bellDescriptors: BellDescriptors? { shared.descriptors }

    private static let nextID = Atomic<UInt32>(0)
}

/// The state shared by an engine's thread and the control threads.
///
/// A change is made under the lock and increases a generation number; the thread takes the changes between two rounds
/// and acknowledges the generation. The acknowledgement is the quiescent point: removed objects are not accessed again.
final class SharedState: @unchecked Sendable {
    /// A change of the served rings. It has no reference: the thread must not release the last one to a ring, which can
    /// be the last one to the engine, and the engine waits for its thread when it is released. A ring is valid until the
    /// thread has acknowledged its removal.
    enum Change {
        case add(ServedRing, EngineTurns.Key)
        case remove([ServedRing])
        case watch(CompletionWatch)
    }

    /// What the thread is to do.
    struct Assignment {
        /// Those that the thread has not taken.
        var changes: [Change] = []
        var isStopping = false
        var generation: UInt32 = 0
    }

    struct Control {
        var assignment = Assignment()
        /// The attached rings.
        var rings = IdentitySet<EngineRing>()
        /// The attached rings, and detached ones whose counts may still change.
        var counted = IdentitySet<EngineRing>()
        /// The counts of earlier rings.
        var past: (operations: UInt64, bytes: UInt64) = (0, 0)
    }

    let id: UInt32
    let bell: EngineBell
    let descriptors: BellDescriptors?
    let activity = EngineActivity.allocate()
    private let control = Locked(Control())
    // Constant, as is `bell`; the three words behind it are atomic, each on a separate cache line: the thread reads the
    // second in every round.
    private let words: UnsafeMutablePointer<UInt32>
    private var requested: UnsafeMutablePointer<Atomic<UInt32>> { (words + 16).atomic }
    private var acknowledged: UnsafeMutablePointer<Atomic<UInt32>> { (words + 32).atomic }

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
        activity.deallocate()
        words.deallocate()
    }

    @discardableResult
    func change(_ body: (inout Control) -> Void) -> UInt32 {
        let generation = control.withLock { state in
            body(&state)
            state.assignment.generation &+= 1
            requested.pointee.store(state.assignment.generation, ordering: .sequentiallyConsistent)
            return state.assignment.generation
        }
        bell.ring()
        return generation
    }

    func hasAcknowledged(_ generation: UInt32) -> Bool {
        Int32(bitPattern: acknowledged.pointee.load(ordering: .acquiring) &- generation) >= 0
    }

    @discardableResult
    func waitFor(_ generation: UInt32, until deadline: MonotonicTime? = nil) -> Bool {
        while true {
            let answer = acknowledged.pointee.load(ordering: .acquiring)
            if Int32(bitPattern: answer &- generation) >= 0 { return true }
            let left = deadline?.nanoseconds(since: .now)
            guard left != 0 else { return false }
            Futex.wait(acknowledged, while: answer, atMost: left)
        }
    }

    /// Adds the counts of a ring to those of earlier rings, at once for readers.
    func keepCounts(of ring: EngineRing) {
        control.withLock { state in
            guard state.counted.remove(ring) else { return }
            let work = ring.work
            state.past = (state.past.operations &+ work.operations, state.past.bytes &+ work.bytes)
        }
    }

    /// The attached rings, and the work of these and earlier ones.
    func work() -> (rings: Int, operations: UInt64, bytes: UInt64) {
        control.withLock { state in
            state.counted.all.reduce((state.rings.count, state.past.operations, state.past.bytes)) { sum, ring in
                let work = ring.work
                return (sum.0, sum.1 &+ work.operations, sum.2 &+ work.bytes)
            }
        }
    }

    /// Whether a change was made after `generation`.
    func hasChanged(since generation: UInt32) -> Bool {
        requested.pointee.load(ordering: .sequentiallyConsistent) != generation
    }

    /// Gives the thread what has changed.
    func take() -> Assignment {
        control.withLock { state in
            defer { state.assignment.changes = [] }
            return state.assignment
        }
    }

    /// Acknowledges a generation and wakes the waiting control threads.
    func acknowledge(_ generation: UInt32) {
        acknowledged.pointee.store(generation, ordering: .releasing)
        Futex.wakeAll(acknowledged)
        descriptors?.quiescence.signal()
    }
}
