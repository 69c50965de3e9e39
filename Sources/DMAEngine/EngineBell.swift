internal import LinuxSystem
public import Synchronization

/// What wakes a sleeping engine: a word that its thread sleeps on.
@frozen
public struct EngineBell: @unchecked Sendable {
    // The word is atomic; it outlives the engine's last ring.
    @usableFromInline let word: UnsafeMutablePointer<Atomic<UInt32>>

    /// A bell on a word, which must outlive all rings of the engine.
    public init(word: UnsafeMutablePointer<UInt32>) {
        self.word = word.atomic
    }

    /// Wakes the engine. The word changes first: an engine that is just falling asleep sees that and stays awake.
    @inline(never)
    public func ring() {
        word.pointee.wrappingAdd(1, ordering: .sequentiallyConsistent)
        Futex.wakeAll(word)
    }

    /// What the word holds, to be given to ``sleep(unlessChangedFrom:)``.
    public func value() -> UInt32 {
        word.pointee.load(ordering: .sequentiallyConsistent)
    }

    /// Sleeps until ``ring()``, unless it was called since `value` was read.
    ///
    /// - Parameter nanoseconds: the longest sleep, `nil` for no limit.
    public func sleep(unlessChangedFrom value: UInt32, atMost nanoseconds: UInt64? = nil) {
        Futex.wait(word, while: value, atMost: nanoseconds)
    }
}
