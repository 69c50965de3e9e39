internal import CDMADev
public import CDMATrace

/// Records all operations of one doorbell in one event: `dmadev:burst`.
///
/// The call layer does not collect operations as they are enqueued: it reads them back from the driver after the
/// doorbell, while the engine already works. So an enqueue has no extra cost, and a session that starts between enqueue
/// and doorbell misses nothing. A typical burst is read from the producer's stage, without contention with the engine
/// for cache lines.
extension DataPath {
    /// Makes a driver call that rings the doorbell. If a session records bursts, records the operations made visible.
    @inlinable
    @inline(__always)
    func ringing(_ vchan: UInt16, _ call: () -> Int32) -> Int32 {
        dmatrace_dmadev_burst_enabled() ? recordingBurst(vchan, isFlagged: false, call) : call()
    }

    /// The same for a call that rings the doorbell only with the flag `submit`.
    @inlinable
    @inline(__always)
    func ringing(_ vchan: UInt16, byFlagOf flags: UInt64, _ call: () -> Int32) -> Int32 {
        flags & OperationFlags.submit.rawValue != 0 && dmatrace_dmadev_burst_enabled()
            ? recordingBurst(vchan, isFlagged: true, call) : call()
    }

    @usableFromInline
    @inline(never)
    func recordingBurst(_ vchan: UInt16, isFlagged: Bool, _ call: () -> Int32) -> Int32 {
        guard let before = rung(vchan) else { return call() }
        let result = call()
        // Counted by the ring, so it is correct for every result of the call.
        guard let after = rung(vchan), after.rung != before.rung else { return result }
        let count = UInt32(truncatingIfNeeded: after.rung &- before.rung)
        let areRecent = count <= after.nb_recent
        var ring = dmatrace_ring(
            descriptors: areRecent ? after.recent : after.descriptors, entries: after.entries,
            nb_descriptors: areRecent ? after.nb_recent : after.nb_slots, nb_slots: after.nb_slots,
            max_sges: after.max_sges)
        dmatrace_emit_dmadev_burst(table.pointee.dev_id, vchan, &ring, before.rung, count, isFlagged)
        return result
    }

    /// The operations rung so far; `nil` when the driver does not support it.
    @inline(__always)
    private func rung(_ vchan: UInt16) -> dmadev_rung? {
        withUnsafeTemporaryAllocation(of: dmadev_rung.self, capacity: 1) { place in
            // The capacity is 1, so the buffer has an address.
            let rung = place.baseAddress.unsafelyUnwrapped
            return table.pointee.rung(table.pointee.driver, vchan, rung) == 0 ? rung.pointee : nil
        }
    }
}
