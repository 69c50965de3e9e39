import CLinux
import Glibc
import SystemPackage

/// A counter that a poller can wait for: how one thread wakes another that sleeps in `epoll_wait`.
///
/// Non-blocking; any thread may call either function.
///
/// C: `eventfd`
public struct EventDescriptor: ~Copyable, Sendable {
    private let descriptor: OwnedDescriptor

    /// A counter at 0, which is not readable.
    public init() throws(Errno) {
        descriptor = OwnedDescriptor(adopting: try tryingSystemCall { clinux_eventfd(0) })
    }

    /// A counter that another process has made.
    ///
    /// Whoever shares a counter with a process that it does not trust never reads it and only watches it, edge-triggered:
    /// the peer can make reading block.
    public init(adopting descriptor: consuming OwnedDescriptor) {
        self.descriptor = descriptor
    }

    /// The number of the descriptor, to watch it.
    public var raw: CInt { descriptor.raw }

    /// Makes it readable. A counter that is full already is readable, so that error does not matter.
    public func signal() {
        Self.signal(descriptor.raw)
    }

    /// The same for a counter that somebody else owns.
    public static func signal(_ raw: CInt) {
        var one: UInt64 = 1
        _ = systemCall { write(raw, &one, MemoryLayout<UInt64>.size) }
    }

    /// Makes it unreadable again and gives the number of signals since the last call.
    public func drain() -> UInt64 {
        var count: UInt64 = 0
        let raw = descriptor.raw
        switch systemCall({ read(raw, &count, MemoryLayout<UInt64>.size) }) {
        case .success: return count
        case .failure: return 0
        }
    }
}
