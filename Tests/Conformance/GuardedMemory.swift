import DMADev
import Glibc
import TestSupport
import Testing

/// Bytes at an address of any alignment, between guard bytes that no operation may touch.
final class GuardedMemory {
    private static let guardSize = 64
    private static let guardByte: UInt8 = 0xA5

    let count: Int
    private let block: ConformanceBlock
    private var base: UnsafeMutableRawPointer { block.base }
    private let start: UnsafeMutableRawPointer
    private let byteCount: Int

    /// Memory whose address is `offset` beyond a multiple of 64.
    ///
    /// - Parameter seed: of the random contents; `nil`: as the guard bytes.
    init(_ count: Int, offset: Int = 0, seed: UInt64? = nil) {
        self.count = count
        byteCount = count + 2 * Self.guardSize + offset
        block = CaseMemory.allocate(byteCount)
        start = block.base + Self.guardSize + offset
        memset(base, Int32(Self.guardByte), byteCount)
        if let seed { fill(seed: seed) }
    }

    /// Where the device finds it.
    var address: UInt64 { block.deviceAddress + UInt64(start - base) }
    /// The memory, for calls that take a range.
    var region: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(start: start, count: count) }
    var bytes: [UInt8] { Array(UnsafeRawBufferPointer(start: start, count: count)) }

    func bytes(in range: Range<Int>) -> [UInt8] { Array(UnsafeRawBufferPointer(start: start, count: count)[range]) }

    func fill(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var offset = 0
        while offset + 8 <= count {
            start.storeBytes(of: random.next(), toByteOffset: offset, as: UInt64.self)
            offset += 8
        }
        for rest in offset..<count {
            start.storeBytes(of: UInt8(truncatingIfNeeded: random.next()), toByteOffset: rest, as: UInt8.self)
        }
    }

    func clear() { memset(start, Int32(Self.guardByte), count) }

    /// Its contents where nothing was written.
    static func untouched(_ count: Int) -> [UInt8] { Array(repeating: guardByte, count: count) }

    /// Whether the memory holds exactly these bytes, and the guards are whole.
    func holds(_ expected: [UInt8]) -> Bool {
        precondition(expected.count == count, "a case compares whole memories")
        let before = UnsafeRawBufferPointer(start: base, count: start - base)
        let after = UnsafeRawBufferPointer(start: start + count, count: Self.guardSize)
        return memcmp(start, expected, count) == 0 && before.allSatisfy { $0 == Self.guardByte }
            && after.allSatisfy { $0 == Self.guardByte }
    }

    /// Records where the memory differs from these bytes, or that a guard is broken.
    func expect(_ expected: [UInt8], _ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation) {
        guard !holds(expected) else { return }
        let place = zip(bytes, expected).enumerated().first { $1.0 != $1.1 }
        let problem =
            place.map { "byte \($0.offset) of \(count) is \($0.element.0), not \($0.element.1)" }
            ?? "bytes around the \(count) were written"
        Issue.record("\(problem) \(comment?.rawValue ?? "")", sourceLocation: sourceLocation)
    }

    func entry(at offset: Int, count: Int) -> ScatterGatherEntry {
        ScatterGatherEntry(address: address + UInt64(offset), length: UInt32(count))
    }
}
