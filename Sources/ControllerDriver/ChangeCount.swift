internal import LinuxSystem
internal import Synchronization

/// A number that one thread raises and another one sleeps on.
final class ChangeCount: @unchecked Sendable {
    // Constant; the word behind it is atomic.
    private let word: UnsafeMutablePointer<Atomic<UInt32>>

    init() {
        word = .allocate(capacity: 1)
        word.initialize(to: Atomic(0))
    }

    deinit {
        word.deinitialize(count: 1)
        word.deallocate()
    }

    var value: UInt32 { word.pointee.load(ordering: .acquiring) }

    func note() {
        word.pointee.wrappingAdd(1, ordering: .releasing)
        Futex.wakeAll(word)
    }

    func wait(while seen: UInt32, atMost nanoseconds: UInt64) {
        Futex.wait(word, while: seen, atMost: nanoseconds)
    }
}
