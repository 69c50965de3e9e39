extension UnsafeMutablePointer where Pointee: ~Copyable {
    /// Allocates room that shares no cache line with anything else, nor the line beside it, which processors fetch
    /// along: for what one thread reads or writes all the time while others write elsewhere.
    ///
    /// - Parameter capacity: how many values, from 1. Freed with `deallocate()`.
    public static func allocateOnOwnCacheLines(capacity: Int) -> Self {
        let pair = 128
        let bytes = (capacity * MemoryLayout<Pointee>.stride + pair - 1) & ~(pair - 1)
        return UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: pair)
            .bindMemory(to: Pointee.self, capacity: capacity)
    }
}
