internal import Synchronization

/// A counter that threads increment and that other threads wait on.
///
/// Any thread may call. C counterpart: `futex(2)`.
public final class ChangeCount: @unchecked Sendable {
    // Constant; the word behind it is atomic.
    private let word: UnsafeMutablePointer<Atomic<UInt32>>

    /// Starts at 0.
    public init() {
        word = .allocate(capacity: 1)
        word.initialize(to: Atomic(0))
    }

    deinit {
        word.deinitialize(count: 1)
        word.deallocate()
    }

    /// The current value, with acquire.
    public var value: UInt32 { word.pointee.load(ordering: .acquiring) }

    /// Increments the counter and wakes all waiters.
    public func increment() {
        word.pointee.wrappingAdd(1, ordering: .releasing)
        Futex.wakeAll(word)
    }

    /// Sleeps while the counter is `seen`; may return earlier.
    ///
    /// - Parameters:
    ///   - seen: what ``value`` was before the caller looked for what it waits for.
    ///   - nanoseconds: the longest sleep; `nil` for no limit.
    public func wait(while seen: UInt32, atMost nanoseconds: UInt64? = nil) {
        Futex.wait(word, while: seen, atMost: nanoseconds)
    }
}
