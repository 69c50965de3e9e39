public import Synchronization

/// Words of memory shared by threads or processes: the members of a ring's C structures.
///
/// The structures are plain C so that all sides have the same layout; each access to a shared member uses these
/// functions with an explicit memory order. `Atomic<UInt64>` has the size and alignment of the word at its address.
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

    /// Reads the word with acquire: earlier stores of its writer are visible afterwards.
    @inlinable
    @inline(__always)
    public func loadAcquiring() -> UInt64 { atomic.pointee.load(ordering: .acquiring) }

    /// Writes the word, unordered.
    @inlinable
    @inline(__always)
    public func storeRelaxed(_ value: UInt64) { atomic.pointee.store(value, ordering: .relaxed) }

    /// Writes the word with release: earlier stores are visible to a thread that reads this value with acquire.
    @inlinable
    @inline(__always)
    public func storeReleasing(_ value: UInt64) { atomic.pointee.store(value, ordering: .releasing) }

    /// Adds to a word that only the caller writes: the read-modify-write need not be atomic.
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

// Transparent: the compiler knows path and types at each call, also without optimization. Otherwise a debug build walks the
// path and looks up types under a lock of the runtime, for each word that an engine reads: eight times as slow, and worse
// with several threads.
extension UnsafeMutablePointer {
    /// The address of a member of a structure.
    ///
    /// - Parameter path: path of a stored member; only those have addresses.
    @_transparent
    public func member<Member>(_ path: WritableKeyPath<Pointee, Member>) -> UnsafeMutablePointer<Member> {
        pointer(to: path).unsafelyUnwrapped
    }

    /// A word of an array in a C structure, which Swift imports as a tuple.
    @_transparent
    public func word(_ index: Int) -> UnsafeMutablePointer<UInt64> {
        UnsafeMutableRawPointer(self).assumingMemoryBound(to: UInt64.self) + index
    }
}
