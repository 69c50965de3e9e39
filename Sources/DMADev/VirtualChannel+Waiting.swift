/// Waiting for completions without polling. A task that waits uses no thread, and the device's engine wakes it.
extension VirtualChannel {
    /// Takes up to `count` successful operations off the ring, as ``completed(upTo:)``, and waits for at least one, or for a
    /// failed operation.
    ///
    /// The wait costs a wake-up of the engine and one of a thread of the device: tens of microseconds; with a device of a
    /// controller also a request, whose answer is waited for on the calling thread. To poll costs less when the operation is
    /// about to finish.
    ///
    /// - Parameter count: the most operations to take, at least 1.
    /// - Throws: `CancellationError` when the task is cancelled; ``OperationError`` when the device is stopped or halted;
    ///   ``DMAError`` as ``waitForCompletion()``.
    nonisolated(nonsending) public func nextCompleted(upTo count: UInt16) async throws -> Completions {
        while true {
            let completions = try completed(upTo: count)
            if completions.count > 0 || completions.hasError || count == 0 { return completions }
            try await waitForCompletion()
        }
    }

    /// Waits until a poll has something to return: a finished operation, or the error of a stopped or halted device. For
    /// ``completedStatus(into:)`` and ``dequeue(into:)``.
    ///
    /// While the task waits, it uses the channel: no other may. The device may be stopped.
    ///
    /// - Throws: `CancellationError` when the task is cancelled; `EINVAL` when every submitted operation was polled, so that
    ///   none could finish, and when the device is stopped; `ENOTSUP` when the driver has only polling, as a device of a
    ///   controller of an older release; `EBUSY` when another task waits for the channel.
    nonisolated(nonsending) public func waitForCompletion() async throws {
        try Task.checkCancellation()
        let (wait, continuation) = AsyncStream.makeStream(of: Never.self)
        let end = try device.driver.notifyOfCompletion(on: index) { continuation.finish() }
        // Cancellation ends it, too.
        for await _ in wait {}
        end()
        try Task.checkCancellation()
    }
}
