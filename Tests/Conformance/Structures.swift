import CDMADev
import DMADev
import TestSupport
import Testing

/// Operations as structures: each copies a few bytes of its own, cut in two on one side.
final class Structures {
    private(set) var buffers: [OperationBuffer] = []
    private let size = 21
    private let gap = 5
    private let source: GuardedMemory
    private let destination: GuardedMemory

    /// - Parameter bad: operations with an address that no device takes, and on which side.
    init(_ count: Int, bad: [Int: Slab.Side] = [:], flags: (Int) -> OperationFlags = { _ in [] }) {
        source = GuardedMemory(count * (size + gap), offset: 1, seed: 11)
        destination = GuardedMemory(count * (size + gap), offset: 7)
        for number in 0..<count {
            let start = number * (size + gap)
            var from = [source.entry(at: start, count: 4), source.entry(at: start + 4, count: size - 4)]
            var to = [destination.entry(at: start, count: size)]
            switch bad[number] {
            case .source: from[0].addr = BadAddress.refused
            case .destination: to[0].addr = BadAddress.refused
            case nil: break
            }
            buffers.append(
                OperationBuffer(from: from, to: to, flags: flags(number), userData: UInt64(number) << 40 | 0xABCD))
        }
    }

    /// Undoes all operations.
    func reset() { destination.clear() }

    /// Records unless exactly these operations were done.
    func expectCopied(sourceLocation: SourceLocation = #_sourceLocation, _ isCopied: (Int) -> Bool) {
        let given = source.bytes
        var expected = GuardedMemory.untouched(destination.count)
        for number in buffers.indices where isCopied(number) {
            let range = number * (size + gap)..<number * (size + gap) + size
            expected.replaceSubrange(range, with: given[range])
        }
        destination.expect(expected, sourceLocation: sourceLocation)
    }
}

extension VirtualChannel {
    /// Enqueues structures; how many were taken.
    func enqueue(_ buffers: ArraySlice<OperationBuffer>) throws(OperationError) -> Int {
        try buffers.map(\.pointer).withUnsafeBufferPointer { pointers throws(OperationError) in
            try enqueue(pointers)
        }
    }

    /// One call of `dequeue`.
    func takeBack(_ most: Int) throws -> [UnsafeMutablePointer<dmadev_op>?] {
        try [UnsafeMutablePointer<dmadev_op>?](unsafeUninitializedCapacity: max(most, 1)) { room, count in
            room.initialize(repeating: nil)
            count = try dequeue(into: UnsafeMutableBufferPointer(rebasing: room.prefix(most)))
        }
    }

    /// Dequeues until so many structures have come back, and no longer.
    func takeAllBack(_ count: Int) throws -> [UnsafeMutablePointer<dmadev_op>?] {
        var all: [UnsafeMutablePointer<dmadev_op>?] = []
        while all.count < count {
            all += try eventually("\(count) structures come back") {
                let some = try takeBack(min(count - all.count, 4096))
                return some.isEmpty ? nil : some
            }
        }
        return all
    }
}
