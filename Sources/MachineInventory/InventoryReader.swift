import LinuxSystem
import Synchronization
import SystemPackage

/// Reads the inventory for the threads of a service, none of which it delays for long.
///
/// The files of processes are read on a thread that exists only meanwhile, one at most: it can wait for a process that
/// holds the lock of its mappings. Any thread may ask.
public final class InventoryReader: Sendable {
    private struct State {
        var inventory: DMABufferInventory?
        var began = MonotonicTime(nanoseconds: 0)
        var isReading = false
    }

    /// An inventory, and how old it is.
    public struct Answer: Sendable {
        /// The dma-bufs.
        public let inventory: DMABufferInventory
        /// Nanoseconds since the reading of it began.
        public let ageNanoseconds: UInt64
    }

    private let roots: DMABufferInventory.Roots
    private let state = Locked(State())
    /// Counts the finished readings; those who wait for one sleep on it.
    private let finished = FinishedCount()

    /// A reader of the system's files, or of copies.
    public init(_ roots: DMABufferInventory.Roots = DMABufferInventory.Roots()) { self.roots = roots }

    /// The last inventory, after a new reading if it is too old and the reading ends in time.
    ///
    /// - Parameters:
    ///   - age: an inventory whose reading began at most so long before this call is returned at once. It limits how
    ///     often processes are looked into.
    ///   - limit: the longest wait.
    /// - Returns: `nil` when no reading has ended until now.
    public func latest(
        notOlderThan age: Duration = .seconds(1), waitingAtMost limit: Duration = .milliseconds(100)
    ) -> Answer? {
        let called = MonotonicTime.now
        let deadline = called.advanced(by: limit)
        while true {
            let count = finished.value
            let (answer, isFresh) = state.withLock { state in
                let ageNanoseconds = MonotonicTime.now.nanoseconds(since: state.began)
                let isFresh = state.inventory != nil && state.began.advanced(by: age) >= called
                if !isFresh && !state.isReading { state.isReading = startReading() }
                return (state.inventory.map { Answer(inventory: $0, ageNanoseconds: ageNanoseconds) }, isFresh)
            }
            let left = deadline.nanoseconds(since: .now)
            if isFresh || left == 0 { return answer }
            finished.wait(while: count, atMost: left)
        }
    }

    /// Whether a thread could be started; if not, the last inventory has to do.
    private func startReading() -> Bool {
        let began = MonotonicTime.now
        let thread = try? SystemThread.start(name: "dma-inventory") { [self] in
            let inventory = DMABufferInventory.read(roots)
            state.withLock { state in
                state.inventory = inventory
                state.began = began
                state.isReading = false
            }
            finished.increment()
        }
        thread?.detach()
        return thread != nil
    }
}

/// A count that threads can wait for.
private final class FinishedCount: @unchecked Sendable {
    // Atomic; the address is constant until the object is deallocated.
    private let word: UnsafeMutablePointer<Atomic<UInt32>>

    init() {
        word = .allocate(capacity: 1)
        word.initialize(to: Atomic(0))
    }

    deinit { word.deallocate() }

    var value: UInt32 { word.pointee.load(ordering: .acquiring) }

    func increment() {
        word.pointee.add(1, ordering: .releasing)
        Futex.wakeAll(word)
    }

    func wait(while value: UInt32, atMost nanoseconds: UInt64) {
        Futex.wait(word, while: value, atMost: nanoseconds)
    }
}
