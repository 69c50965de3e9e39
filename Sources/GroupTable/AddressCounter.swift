/// Assigns addresses from a range, each at most once, in pages with an unused page behind each piece.
package struct AddressCounter: Sendable {
    private static let page: UInt64 = 4096
    /// The distance of the first addresses of two owners.
    private static let stride: UInt64 = 1 << 46

    private let range: Range<UInt64>
    private let first: UInt64
    private var next: UInt64
    private var hasWrapped = false

    /// A counter of one owner, which may use the whole range. Others use the same addresses for other memory: they begin
    /// elsewhere, so that an address that is used for the wrong owner most likely belongs to nothing.
    ///
    /// - Parameters:
    ///   - range: at least 2^46 addresses.
    ///   - owner: the owner's number.
    package init(_ range: Range<UInt64>, owner: UInt64) {
        self.range = range
        first = range.lowerBound + owner % ((range.upperBound - range.lowerBound) / Self.stride) * Self.stride
        next = first
    }

    /// Assigns the next address; returns `nil` when less than that is left. A piece of more than half of the range may
    /// find no place earlier.
    package mutating func take(_ byteCount: UInt64) -> UInt64? {
        guard byteCount < range.upperBound - range.lowerBound else { return nil }
        let taken = (byteCount + Self.page - 1) / Self.page * Self.page + Self.page
        if !hasWrapped, taken > range.upperBound - next {
            guard taken <= first - range.lowerBound else { return nil }
            hasWrapped = true
            next = range.lowerBound
        }
        guard taken <= (hasWrapped ? first : range.upperBound) - next else { return nil }
        defer { next += taken }
        return next
    }
}
