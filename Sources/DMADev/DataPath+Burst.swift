internal import CDMADev
public import CDMATrace

/// What a doorbell rings, in one event: `dmadev:burst`.
///
/// The call layer does not collect operations as they are enqueued: it reads them back from the driver after the doorbell,
/// when the engine is at work already. So nothing is done for an enqueue, off or on, and a session that begins between
/// enqueue and doorbell misses nothing. A usual burst is read from the producer's stage, where it does not get into the
/// engine's way.
extension DataPath {
    /// Makes a driver's call that rings the doorbell, and records what that made visible when a session wants it.
    @inlinable
    @inline(__always)
    func ringing(_ vchan: UInt16, _ call: () -> Int32) -> Int32 {
        dmatrace_dmadev_burst_enabled() ? recordingBurst(vchan, isFlagged: false, call) : call()
    }

    /// The same for a call that rings it only when its flags say so.
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
        // Counted by the ring itself, so it is right whatever the call returned.
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

    /// What was rung so far; `nil` when the driver does not tell.
    @inline(__always)
    private func rung(_ vchan: UInt16) -> dmadev_rung? {
        withUnsafeTemporaryAllocation(of: dmadev_rung.self, capacity: 1) { place in
            // The buffer has a place: it has an address.
            let rung = place.baseAddress.unsafelyUnwrapped
            return table.pointee.rung(table.pointee.driver, vchan, rung) == 0 ? rung.pointee : nil
        }
    }
}
