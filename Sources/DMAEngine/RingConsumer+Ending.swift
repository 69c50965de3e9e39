internal import DMADev
internal import LinuxSystem

/// The end of a detached ring, on the thread that detached it.
extension RingConsumer {
    /// Ends rung operations that are not finished as aborted; for a detached ring.
    ///
    /// - Returns: the number of aborted operations.
    mutating func abortAll() -> UInt32 {
        synchronizer?.abandon()
        var aborted: UInt32 = 0
        var left = min(tail.loadAcquiring() &- next, limit)
        if isInRegion { noteDoorbells(upTo: next &+ left) }
        noteStepTime()
        while left != 0 {
            if running == nil { running = beginOperation() }
            finish(.userAbort)
            aborted &+= 1
            left &-= 1
        }
        faults?.endDelay(at: next)
        publish()
        return aborted
    }

    /// Continues the started operation for one chunk; for a detached ring.
    ///
    /// - Returns: whether it has bytes left.
    mutating func finishPart() -> Bool {
        guard running != nil, synchronizer?.isBlocked != true else { return false }
        if let buffers, buffers.contents.count != 0 { return finishPart(buffers.contents) }
        return finishPartUnsynchronized()
    }

    mutating func finishPartUnsynchronized() -> Bool {
        var budget = Self.chunk
        guard let status = execute(&budget) else { return synchronizer?.isBlocked != true }
        finish(status)
        publish()
        return false
    }
}
