/// The free and the allocated ranges of a region, in whole pages. The first page is never allocated: offset 0 means no
/// memory.
struct RegionAllocator {
    /// Bytes of a page.
    static let page: UInt64 = 4096
    /// The highest number of ranges of one owner.
    static let maximumRangesPerOwner = 4096

    private struct Range {
        let start: UInt64
        let end: UInt64
        let owner: UInt32
    }

    /// In the order of their offsets.
    private var ranges: [Range] = []
    private var counts: [UInt32: Int] = [:]
    private let end: UInt64

    /// The length of the region in whole pages.
    var byteCount: UInt64 { end }

    /// Why nothing was allocated.
    enum Refusal: Error {
        case noSpace
        case tooManyRanges
    }

    /// - Parameter byteCount: of the region.
    init(byteCount: UInt64) {
        end = byteCount & ~(Self.page - 1)
    }

    /// The bytes that are allocated.
    var allocatedByteCount: UInt64 { ranges.reduce(0) { $0 + ($1.end - $1.start) } }

    /// Allocates the first free range that is long enough.
    ///
    /// - Parameter byteCount: rounded up to whole pages.
    /// - Returns: its offset, a multiple of the page size.
    mutating func allocate(byteCount: UInt64, for owner: UInt32) throws(Refusal) -> UInt64 {
        guard byteCount > 0, byteCount <= end else { throw .noSpace }
        guard counts[owner, default: 0] < Self.maximumRangesPerOwner else { throw .tooManyRanges }
        let length = (byteCount + Self.page - 1) & ~(Self.page - 1)
        var start = Self.page
        var index = 0
        while index < ranges.count, ranges[index].start - start < length {
            start = ranges[index].end
            index += 1
        }
        guard start <= end, end - start >= length else { throw .noSpace }
        ranges.insert(Range(start: start, end: start + length, owner: owner), at: index)
        counts[owner, default: 0] += 1
        return start
    }

    /// Frees the range that begins at an offset; false when the owner has none there.
    mutating func free(_ start: UInt64, of owner: UInt32) -> Bool {
        guard let index = ranges.firstIndex(where: { $0.start == start && $0.owner == owner }) else { return false }
        ranges.remove(at: index)
        counts[owner, default: 1] -= 1
        if counts[owner] == 0 { counts[owner] = nil }
        return true
    }

    /// Frees all ranges of an owner.
    mutating func freeAll(of owner: UInt32) {
        guard counts.removeValue(forKey: owner) != nil else { return }
        ranges.removeAll { $0.owner == owner }
    }
}
