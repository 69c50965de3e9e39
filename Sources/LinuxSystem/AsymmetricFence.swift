public import CLinux

/// A memory barrier whose cost is all on one side.
///
/// Two threads each write a word and then read the other's; at least one must see what the other wrote. That takes a
/// full barrier between the two steps of both. Here the one that does it often passes ``light()``, which is no
/// instruction at all, and the one that does it seldom ``heavy()``, in which the system makes all processors that run a
/// registered process pass a barrier: some microseconds. Between processes, too.
///
/// C: `membarrier` with `MEMBARRIER_CMD_GLOBAL_EXPEDITED`
public enum AsymmetricFence {
    /// Whether a ``heavy()`` anywhere on the machine is a barrier for the threads of this process, so that ``light()`` is
    /// enough; the first reading registers the process. `false` where the system has no such barriers.
    public static let isRegistered = clinux_fence_register() == 0

    /// Whether ``heavy()`` works here.
    public static let isOffered = heavy()

    /// The cheap side: only the compiler keeps the order.
    @inlinable
    @inline(__always)
    public static func light() { clinux_fence_compiler() }

    /// The dear side.
    ///
    /// - Returns: `false` when there was no barrier: the system does not offer it, or lacked memory.
    public static func heavy() -> Bool { clinux_fence_others() == 0 }
}
