/// Numbers the ring indices of one kind of event, which are 16 bits wide and wrap.
struct IndexSequence {
    /// The number that the next event should have.
    private(set) var next: UInt64 = 0
    /// Whether an event has come.
    private(set) var isBegun = false
    /// Where the first gap is: the number that was expected, and the one that came.
    private(set) var firstGap: (expected: UInt64, found: UInt64)?
    private(set) var gapCount: UInt64 = 0

    /// Begins in the middle of a trace, with the operation next to `number` that has the ring index.
    mutating func begin(near number: UInt64, index: UInt64) {
        next = Self.number(near: number, index: index)
        isBegun = true
    }

    /// The number of the first of `count` operations, whose ring index is known.
    mutating func number(ofIndex index: UInt64, count: UInt64 = 1) -> UInt64 {
        isBegun = true
        let found = Self.number(near: next, index: index)
        if found != next {
            if firstGap == nil { firstGap = (next, found) }
            gapCount += 1
        }
        next = found + count
        return found
    }

    /// The number of the first of `count` operations that follow.
    mutating func numberOfNext(_ count: UInt64) -> UInt64 {
        isBegun = true
        defer { next += count }
        return next
    }

    private static func number(near number: UInt64, index: UInt64) -> UInt64 {
        let difference = Int64(Int16(truncatingIfNeeded: index &- number))
        return difference >= 0 ? number + UInt64(difference) : number - min(number, UInt64(-difference))
    }
}
