public import CDMADev

extension RingProducer {
    /// The rung operations and where they are stored; for traces, on the thread that uses the ring.
    @inlinable
    @inline(__always)
    public var rungSoFar: dmadev_rung {
        dmadev_rung(
            descriptors: descriptors, recent: stage, entries: entries, rung: rung,
            nb_slots: UInt32(truncatingIfNeeded: mask &+ 1), nb_recent: UInt32(truncatingIfNeeded: stageMask &+ 1),
            max_sges: UInt16(truncatingIfNeeded: maximumEntries), reserved: (0, 0, 0))
    }
}
