/// Where source buffers come from and go back to: the `pool` of `struct rte_dma_auto_free_param`.
///
/// With the auto-free flag, a source buffer is the device's from the enqueue on and goes back to its pool when the
/// operation has ended, however it ended, before the completion is visible. Operations that were never rung do not end:
/// their buffers stay with the application.
public protocol BufferPool: AnyObject, Sendable {
    /// Takes a buffer back. Called on the device's engine thread, or on the thread that stops the device for what that
    /// aborts; it must not block, nor call the device.
    func giveBack(_ address: UInt64)
}
