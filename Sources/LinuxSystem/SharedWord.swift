public import Synchronization

/// Words of memory that threads, or processes, share: the members of the C structures of a ring.
///
/// The structures are plain C so that their layout is one for every party; each access to a shared member goes through
/// here and says its memory order. `Atomic<UInt64>` has the size and alignment of the word that it stands on.
extension UnsafeMutablePointer where Pointee == UInt64 {
    /// The word as an atomic.
    @inlinable
    @inline(__always)
    public var atomic: UnsafeMutablePointer<Atomic<UInt64>> {
        UnsafeMutableRawPointer(self).assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    /// Reads the word, unordered.
    @inlinable
    @inline(__always)
    public func loadRelaxed() -> UInt64 { atomic.pointee.load(ordering: .relaxed) }

    /// Reads the word; what its writer wrote before storing it is visible after.
    @inlinable
    @inline(__always)
    public func loadAcquiring() -> UInt64 { atomic.pointee.load(ordering: .acquiring) }

    /// Writes the word, unordered.
    @inlinable
    @inline(__always)
    public func storeRelaxed(_ value: UInt64) { atomic.pointee.store(value, ordering: .relaxed) }

    /// Writes the word; what was written before is visible to whoever reads this value with acquire.
    @inlinable
    @inline(__always)
    public func storeReleasing(_ value: UInt64) { atomic.pointee.store(value, ordering: .releasing) }

    /// Adds to a word that only the caller writes: reading and writing need not be one step.
    @inlinable
    @inline(__always)
    public func add(_ amount: UInt64) { storeRelaxed(loadRelaxed() &+ amount) }
}

extension UnsafeMutablePointer where Pointee == UInt32 {
    /// The word as an atomic.
    @inlinable
    @inline(__always)
    public var atomic: UnsafeMutablePointer<Atomic<UInt32>> {
        UnsafeMutableRawPointer(self).assumingMemoryBound(to: Atomic<UInt32>.self)
    }
}

extension UnsafeMutablePointer {
    /// The address of a member of a structure.
    ///
    /// - Parameter path: of a stored member; only those have addresses.
    @inlinable
    @inline(__always)
    public func member<Member>(_ path: WritableKeyPath<Pointee, Member>) -> UnsafeMutablePointer<Member> {
        pointer(to: path).unsafelyUnwrapped
    }

    /// A word of an array that a C structure holds, which Swift imports as a tuple.
    @inlinable
    @inline(__always)
    public func word(_ index: Int) -> UnsafeMutablePointer<UInt64> {
        UnsafeMutableRawPointer(self).assumingMemoryBound(to: UInt64.self) + index
    }
}
