extension UnsafeMutablePointer where Pointee: ~Copyable {
    /// Allocates memory that shares neither its cache lines nor the adjacent line, which processors prefetch, with
    /// other data: for values that one thread uses all the time while other threads write elsewhere.
    ///
    /// - Parameter capacity: number of values, from 1. Free with `deallocate()`.
    public static func allocateOnOwnCacheLines(capacity: Int) -> Self {
        let pair = 128
        let bytes = (capacity * MemoryLayout<Pointee>.stride + pair - 1) & ~(pair - 1)
        return UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: pair)
            .bindMemory(to: Pointee.self, capacity: capacity)
    }
}
