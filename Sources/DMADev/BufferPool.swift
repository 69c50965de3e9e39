/// The pool that source buffers belong to: `pool` of `struct rte_dma_auto_free_param`.
///
/// With the auto-free flag, the device owns a source buffer from the enqueue on. It returns the buffer to the pool when
/// the operation has ended, with any status, before the completion is visible. Operations whose doorbell was never rung
/// do not end: the application keeps their buffers.
public protocol BufferPool: AnyObject, Sendable {
    /// Returns a buffer to the pool. Called on the device's engine thread, or, for operations that a stop aborts, on
    /// the thread that stops the device. It must not block or call the device.
    func giveBack(_ address: UInt64)
}
