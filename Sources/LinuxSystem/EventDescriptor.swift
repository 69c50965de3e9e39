import CLinux
import Glibc
import SystemPackage

/// A counter that a poller can wait for: wakes a thread that sleeps in `epoll_wait`.
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

    /// A counter that another process created.
    ///
    /// Never read a counter that is shared with an untrusted process: the peer can make reading block. Only watch it,
    /// edge-triggered.
    public init(adopting descriptor: consuming OwnedDescriptor) {
        self.descriptor = descriptor
    }

    /// The descriptor's number, for a poller.
    public var raw: CInt { descriptor.raw }

    /// Makes it readable. A full counter is already readable, so that error is ignored.
    public func signal() {
        Self.signal(descriptor.raw)
    }

    /// The same for a descriptor with another owner.
    public static func signal(_ raw: CInt) {
        var one: UInt64 = 1
        _ = systemCall { write(raw, &one, MemoryLayout<UInt64>.size) }
    }

    /// Makes it unreadable again and returns the number of signals since the last call.
    public func drain() -> UInt64 {
        var count: UInt64 = 0
        let raw = descriptor.raw
        switch systemCall({ read(raw, &count, MemoryLayout<UInt64>.size) }) {
        case .success: return count
        case .failure: return 0
        }
    }
}
