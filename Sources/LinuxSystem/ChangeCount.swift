internal import Synchronization

/// A number that one thread raises and others sleep on.
///
/// Any thread may call. C counterpart: `futex(2)`.
public final class ChangeCount: @unchecked Sendable {
    // Constant; the word behind it is atomic.
    private let word: UnsafeMutablePointer<Atomic<UInt32>>

    /// Zero.
    public init() {
        word = .allocate(capacity: 1)
        word.initialize(to: Atomic(0))
    }

    deinit {
        word.deinitialize(count: 1)
        word.deallocate()
    }

    /// The number now.
    public var value: UInt32 { word.pointee.load(ordering: .acquiring) }

    /// Raises the number, and wakes who sleeps.
    public func note() {
        word.pointee.wrappingAdd(1, ordering: .releasing)
        Futex.wakeAll(word)
    }

    /// Sleeps for as long as the number is `seen`; may wake before.
    public func wait(while seen: UInt32, atMost nanoseconds: UInt64) {
        Futex.wait(word, while: seen, atMost: nanoseconds)
    }
}
