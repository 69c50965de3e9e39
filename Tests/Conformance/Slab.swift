import CDMADev
import DMADev
import TestSupport
import Testing

/// Memory and operations for cases that care when and how operations end: one small operation a slot, of each kind that
/// the device offers in turn, none in another's way.
final class Slab {
    enum Kind: CaseIterable {
        case copy, scatterGather, fill

        static func offered(by capabilities: Capabilities) -> [Kind] {
            let needs: [Kind: Capabilities] = [.copy: .copy, .scatterGather: .copyScatterGather, .fill: .fill]
            return allCases.filter { capabilities.contains(needs[$0, default: []]) }
        }
    }

    /// The operand of an operation that is bad.
    enum Side {
        case source, destination
    }

    let slots: Int
    private let kinds: [Kind]
    private let size: Int
    private let stride: Int
    private let source: GuardedMemory
    private let destination: GuardedMemory

    /// - Parameter size: bytes of each operation, at least 2.
    init(slots: Int, kinds: [Kind], size: Int = 19) {
        self.slots = slots
        self.kinds = kinds
        self.size = size
        stride = size + 6  // what is between two destinations must stay
        source = GuardedMemory(slots * stride, offset: 3, seed: 1)
        destination = GuardedMemory(slots * stride, offset: 5)
    }

    func kind(_ slot: Int) -> Kind { kinds[slot % kinds.count] }

    /// Undoes all operations.
    func reset() { destination.clear() }

    @discardableResult
    func enqueue(
        _ slot: Int, on channel: VirtualChannel, flags: OperationFlags = []
    ) throws(OperationError) -> RingIndex {
        let offset = slot * stride
        let (from, to) = (source.address + UInt64(offset), destination.address + UInt64(offset))
        return switch kind(slot) {
        case .copy: try channel.copy(from: from, to: to, length: UInt32(size), flags: flags)
        case .fill: try channel.fill(to, pattern: pattern(slot), length: UInt32(size), flags: flags)
        case .scatterGather:
            try channel.copy(
                from: [source.entry(at: offset, count: 1), source.entry(at: offset + 1, count: size - 1)],
                to: [destination.entry(at: offset, count: size)], flags: flags)
        }
    }

    /// Enqueues a slot's operation with a bad address in it; the status that it has to end with.
    func enqueueBad(
        _ slot: Int, _ address: UInt64, as side: Side, on channel: VirtualChannel, flags: OperationFlags = []
    ) throws(OperationError) -> CompletionStatus {
        let offset = slot * stride
        let bad = ScatterGatherEntry(address: address, length: UInt32(size))
        let (from, to) = (source.entry(at: offset, count: size), destination.entry(at: offset, count: size))
        switch (kind(slot), side) {
        case (.copy, .source): try channel.copy(from: bad.addr, to: to.addr, length: bad.length, flags: flags)
        case (.copy, .destination): try channel.copy(from: from.addr, to: bad.addr, length: bad.length, flags: flags)
        case (.scatterGather, .source): try channel.copy(from: [bad], to: [to], flags: flags)
        case (.scatterGather, .destination): try channel.copy(from: [from], to: [bad], flags: flags)
        case (.fill, _):
            try channel.fill(bad.addr, pattern: pattern(slot), length: bad.length, flags: flags)
            return .invalidDestinationAddress
        }
        return side == .source ? .invalidSourceAddress : .invalidDestinationAddress
    }

    /// Records unless exactly these slots were written, with what belongs there.
    func expectWritten(sourceLocation: SourceLocation = #_sourceLocation, _ isWritten: (Int) -> Bool) {
        var expected = GuardedMemory.untouched(slots * stride)
        let given = source.bytes
        for slot in 0..<slots where isWritten(slot) {
            let range = slot * stride..<slot * stride + size
            let bytes = kind(slot) == .fill ? patternBytes(pattern(slot), size)[...] : given[range]
            expected.replaceSubrange(range, with: bytes)
        }
        destination.expect(expected, sourceLocation: sourceLocation)
    }

    /// Whether a slot was written; `nil` when only a part was.
    func isWritten(_ slot: Int) -> Bool? {
        let range = slot * stride..<slot * stride + size
        let now = destination.bytes(in: range)
        if now == GuardedMemory.untouched(size) { return false }
        let whole = kind(slot) == .fill ? patternBytes(pattern(slot), size) : source.bytes(in: range)
        return now == whole ? true : nil
    }

    private func pattern(_ slot: Int) -> UInt64 { 0x0102_0304_0506_0708 &* UInt64(slot + 1) }
}

/// What a fill leaves: the pattern's lowest byte first, cut where the length ends.
func patternBytes(_ pattern: UInt64, _ count: Int) -> [UInt8] {
    [UInt64](repeating: pattern.littleEndian, count: count / 8 + 1).withUnsafeBytes { Array($0.prefix(count)) }
}

extension VirtualChannel {
    /// A copy between lists, for cases that write them as arrays.
    @discardableResult
    func copy(
        from sources: [ScatterGatherEntry], to destinations: [ScatterGatherEntry], flags: OperationFlags = []
    ) throws(OperationError) -> RingIndex {
        try sources.withUnsafeBufferPointer { sources throws(OperationError) in
            try destinations.withUnsafeBufferPointer { destinations throws(OperationError) in
                try copy(from: sources, to: destinations, flags: flags)
            }
        }
    }
}
