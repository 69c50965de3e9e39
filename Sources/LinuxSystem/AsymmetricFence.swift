public import CLinux

/// A memory barrier with all cost on one side.
///
/// Two threads each write a word and then read the other's; at least one must read the other's new value. That requires
/// a full barrier between the two steps on both sides. Here the frequent side calls ``light()``, which emits no
/// instruction, and the rare side calls ``heavy()``, in which the kernel executes a barrier on all processors that run
/// a registered process: some microseconds. This also works between processes.
///
/// C: `membarrier` with `MEMBARRIER_CMD_GLOBAL_EXPEDITED`
public enum AsymmetricFence {
    /// Whether every ``heavy()`` on the machine is a barrier for the threads of this process, so that ``light()`` is
    /// enough. The first read registers the process. `false` if the system does not support it.
    public static let isRegistered = clinux_fence_register() == 0

    /// Whether the system supports ``heavy()``.
    public static let isOffered = heavy()

    /// The cheap side: a compiler barrier only.
    @inlinable
    @inline(__always)
    public static func light() { clinux_fence_compiler() }

    /// The expensive side.
    ///
    /// - Returns: `false` when no barrier was executed: the system does not support it, or memory is exhausted.
    public static func heavy() -> Bool { clinux_fence_others() == 0 }
}
