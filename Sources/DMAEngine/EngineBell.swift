internal import CLinux
internal import LinuxSystem
public import Synchronization
internal import SystemPackage

/// What wakes a sleeping engine: a word that its thread sleeps on, or descriptors that it waits for.
///
/// An engine of this process only sleeps on the word, which is the fastest. One that other processes wake, too, cannot
/// lend them the word: it waits for descriptors, of which one is its own process's.
@frozen
public struct EngineBell: @unchecked Sendable {
    // The word is atomic; it and the descriptors outlive the engine's last ring.
    @usableFromInline let word: UnsafeMutablePointer<Atomic<UInt32>>
    /// The eventfd that wakes the engine; -1: the word does.
    let event: CInt
    /// The epoll that the engine sleeps in; -1: it sleeps on the word.
    let poller: CInt

    /// A bell on a word, which must outlive all rings of the engine.
    public init(word: UnsafeMutablePointer<UInt32>) {
        self.init(word: word, event: -1, poller: -1)
    }

    /// The bell of an engine in another process.
    ///
    /// - Parameters:
    ///   - word: any word of this process; the bell counts in it.
    ///   - event: the eventfd that the other process watches. It must stay open as long as the bell is used.
    public init(word: UnsafeMutablePointer<UInt32>, event: CInt) {
        self.init(word: word, event: event, poller: -1)
    }

    init(word: UnsafeMutablePointer<UInt32>, event: CInt, poller: CInt) {
        self.word = word.atomic
        self.event = event
        self.poller = poller
    }

    /// Wakes the engine. The word changes first: an engine that is just falling asleep sees that and stays awake.
    @inline(never)
    public func ring() {
        word.pointee.wrappingAdd(1, ordering: .sequentiallyConsistent)
        if event >= 0 { EventDescriptor.signal(event) } else { Futex.wakeAll(word) }
    }

    /// What the word holds, to be given to ``sleep(unlessChangedFrom:atMost:)``.
    public func value() -> UInt32 {
        word.pointee.load(ordering: .sequentiallyConsistent)
    }

    /// Sleeps until ``ring()``, unless it was called since `value` was read.
    ///
    /// - Parameter nanoseconds: the longest sleep, `nil` for no limit.
    public func sleep(unlessChangedFrom value: UInt32, atMost nanoseconds: UInt64? = nil) {
        guard poller >= 0 else { return Futex.wait(word, while: value, atMost: nanoseconds) }
        // Descriptors are watched edge-triggered and never read, so a signal since the last sleep ends this one at once:
        // looking at the word only saves a call.
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

    init() throws(Errno) {
        event = try EventDescriptor()
        poller = try Poller()
        try poller.add(event.raw, [.readable, .edgeTriggered], token: 0)
    }
}
