internal import CLinux
internal import LinuxSystem
public import Synchronization
internal import SystemPackage

/// Wakes a sleeping engine: through a futex word, or through descriptors that its thread waits for.
///
/// An engine of this process only sleeps on the word, which is fastest. An engine that other processes wake must not
/// share the word with them: it waits for descriptors, one of which belongs to its own process.
@frozen
public struct EngineBell: @unchecked Sendable {
    // The word is atomic; it and the descriptors are released after the engine's last ring.
    @usableFromInline let word: UnsafeMutablePointer<Atomic<UInt32>>
    /// The eventfd that wakes the engine; -1: the word wakes it.
    let event: CInt
    /// The epoll that the engine sleeps in; -1: it sleeps on the word.
    let poller: CInt

    /// A bell with a word, which must stay valid as long as any ring of the engine.
    public init(word: UnsafeMutablePointer<UInt32>) {
        self.init(word: word, event: -1, poller: -1)
    }

    /// The bell of an engine in another process.
    ///
    /// - Parameters:
    ///   - word: any word of this process; each ring increments it.
    ///   - event: the eventfd that the other process watches. It must stay open as long as the bell is used.
    public init(word: UnsafeMutablePointer<UInt32>, event: CInt) {
        self.init(word: word, event: event, poller: -1)
    }

    init(word: UnsafeMutablePointer<UInt32>, event: CInt, poller: CInt) {
        self.word = word.atomic
        self.event = event
        self.poller = poller
    }

    /// Wakes the engine. The word changes first, so that an engine that is about to sleep does not sleep.
    @inline(never)
    public func ring() {
        word.pointee.wrappingAdd(1, ordering: .sequentiallyConsistent)
        if event >= 0 { EventDescriptor.signal(event) } else { Futex.wakeAll(word) }
    }

    /// The value of the word, for ``sleep(unlessChangedFrom:atMost:)``.
    public func value() -> UInt32 {
        word.pointee.load(ordering: .sequentiallyConsistent)
    }

    /// Sleeps until ``ring()``, unless it was called since `value` was read.
    ///
    /// - Parameter nanoseconds: the longest sleep, `nil` for no limit.
    /// - Parameter value: what ``value()`` returned.
    public func sleep(unlessChangedFrom value: UInt32, atMost nanoseconds: UInt64? = nil) {
        guard poller >= 0 else { return Futex.wait(word, while: value, atMost: nanoseconds) }
        // Descriptors are watched edge-triggered and never read, so a signal since the last sleep ends this one at
        // once: checking the word only saves a system call.
        guard self.value() == value else { return }
        let milliseconds = nanoseconds.map { CInt(clamping: ($0 + 999_999) / 1_000_000) } ?? -1
        withUnsafeTemporaryAllocation(of: clinux_event.self, capacity: 16) { events in
            _ = clinux_epoll_wait(poller, events.baseAddress, CInt(events.count), milliseconds)
        }
    }
}

/// The descriptors of a bell that other processes ring: closed with the engine.
final class BellDescriptors: Sendable {
    let event: EventDescriptor
    let poller: Poller
    /// Signaled at each quiescent point.
    let quiescence: EventDescriptor

    init() throws(Errno) {
        event = try EventDescriptor()
        quiescence = try EventDescriptor()
        poller = try Poller()
        try poller.add(event.raw, [.readable, .edgeTriggered], token: 0)
    }
}
