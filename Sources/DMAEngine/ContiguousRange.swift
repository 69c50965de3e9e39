internal import CDMADev
internal import CLinux

/// A part of an address space that is contiguous in the process.
struct ContiguousRange: BitwiseCopyable {
    /// Its first address.
    let start: UInt64
    /// `start + byteCount` does not wrap.
    let byteCount: UInt64
    /// The virtual address of `start`.
    let address: UInt64

    /// Contains nothing.
    static let empty = ContiguousRange(start: 0, byteCount: 0, address: 0)

    /// The virtual address of a part; `nil` when it is not within the range.
    @inline(__always)
    func resolve(_ part: UInt64, _ length: UInt64) -> UInt64? {
        let offset = part &- start
        guard offset < byteCount, length <= byteCount &- offset else { return nil }
        return address &+ offset
    }
}

/// Resolves the addresses of operations, and remembers the range of the last one on each side: consecutive operations
/// often use the same.
///
/// A value must not be kept beyond the engine's next quiescent point: a range that was removed before it would still be
/// accessed.
struct RangeMemory {
    private let spaces: AddressSpaces
    private(set) var source = ContiguousRange.empty
    private(set) var destination = ContiguousRange.empty

    init(_ spaces: AddressSpaces) {
        self.spaces = spaces
    }

    /// The move for a copy or a fill; `nil` when it is not contiguous on both sides.
    @inline(__always)
    mutating func move(_ operation: dmadev_descriptor, isFill: Bool) -> clinux_move? {
        let length = UInt64(operation.length)
        guard let to = Self.resolve(operation.dst, length, spaces.destination, &destination) else { return nil }
        if isFill { return clinux_move(dst: to, src: operation.src, bytes: length, is_fill: 1) }
        guard let from = Self.resolve(operation.src, length, spaces.source, &source) else { return nil }
        return clinux_move(dst: to, src: from, bytes: length, is_fill: 0)
    }

    @inline(__always)
    private static func resolve(
        _ address: UInt64, _ length: UInt64, _ space: AddressTranslation, _ last: inout ContiguousRange
    ) -> UInt64? {
        if let resolved = last.resolve(address, length) { return resolved }
        guard let range = lookUp(address, space) else { return nil }
        last = range
        return range.resolve(address, length)
    }

    /// Not inlined: the loop over the operations of a run stays small.
    @inline(never)
    private static func lookUp(_ address: UInt64, _ space: AddressTranslation) -> ContiguousRange? {
        space.range(at: address)
    }
}
