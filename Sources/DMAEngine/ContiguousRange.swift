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

    /// Whether it contains a part.
    @inline(__always)
    func contains(_ part: UInt64, _ length: UInt64) -> Bool {
        let offset = part &- start
        return offset < byteCount && length <= byteCount &- offset
    }

    @inline(__always)
    var forRun: clinux_range { clinux_range(start: start, bytes: byteCount, address: address) }
}

/// Finds the ranges of operations, and remembers those of the last one: consecutive operations often use the same.
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

    /// Whether a copy or a fill is contiguous on both sides; if so, these are its ranges from now on.
    mutating func contain(_ operation: DescriptorWords) -> Bool {
        let length = operation.length
        guard Self.find(operation.destination, length, spaces.destination, &destination) else { return false }
        return operation.isFill || Self.find(operation.source, length, spaces.source, &source)
    }

    private static func find(
        _ address: UInt64, _ length: UInt64, _ space: AddressTranslation, _ last: inout ContiguousRange
    ) -> Bool {
        if last.contains(address, length) { return true }
        guard let range = space.range(at: address) else { return false }
        last = range
        return range.contains(address, length)
    }
}
