public import CDMADev
public import TestSupport

/// A random operation, and how it should end.
public struct RandomOperation {
    /// What to ask for.
    public enum Request {
        /// A copy.
        case copy(from: UInt64, to: UInt64, length: UInt32)
        /// A copy between lists.
        case lists(from: [dmadev_sge], to: [dmadev_sge])
        /// A fill.
        case fill(pattern: UInt64, to: UInt64, length: UInt32)
    }

    /// What to ask for.
    public let request: Request
    /// Its flags: fence, submit, last-level cache.
    public let flags: UInt64
    /// How it should end.
    public let expected: RingModel.Expected

    /// Whether it waits for those before it.
    public var isFenced: Bool { flags & 1 != 0 }
    /// Whether it rings the doorbell.
    public var rings: Bool { flags & 2 != 0 }
}

/// Memory for random operations: a destination for each slot of a ring, so that operations that are under way at the
/// same time never meet, and random bytes that all of them read.
public final class Arena {
    private static let slotSize = 512
    private static let sourceSize = 1 << 16
    /// Addresses that are refused unseen: no page fault is needed, which ThreadSanitizer would not survive.
    private static let badAddresses: [UInt64] = [1 << 56, 1 << 60, 0xFFFF_8880_0000_0000, .max - 3, .max]

    private let source: UnsafeMutableRawPointer
    private let destinations: UnsafeMutableRawPointer
    private let slots: Int

    /// Memory for a ring with so many slots.
    public init(slots: Int, _ random: inout SeededGenerator) {
        self.slots = slots
        source = .allocate(byteCount: Self.sourceSize, alignment: 64)
        destinations = .allocate(byteCount: slots * Self.slotSize, alignment: 64)
        for offset in stride(from: 0, to: Self.sourceSize, by: 8) {
            source.storeBytes(of: random.next(), toByteOffset: offset, as: UInt64.self)
        }
        destinations.initializeMemory(as: UInt8.self, repeating: 0, count: slots * Self.slotSize)
    }

    deinit {
        source.deallocate()
        destinations.deallocate()
    }

    /// The next operation of a ring: one in four has a fence, one in eight rings, one in eight fails.
    ///
    /// - Parameter number: how many the ring took before.
    public func operation(_ number: Int, _ random: inout SeededGenerator) -> RandomOperation {
        // One number for all choices: this runs a million times.
        let dice = random.next()
        let length = 1 + Int(dice % UInt64(Self.slotSize))
        let from = source + Int(dice >> 16 % UInt64(Self.sourceSize - Self.slotSize))
        let to = destinations + number % slots * Self.slotSize
        let (fromAddress, toAddress) = (address(from), address(to))
        let flags = (dice >> 40 & 3 == 0 ? 1 : 0) | (dice >> 42 & 7 == 0 ? 2 : 0) | dice >> 45 & 4
        let bad = Self.badAddresses[Int(dice >> 48 % UInt64(Self.badAddresses.count))]
        let copied = RingModel.Expected(.copy(from: from, to: to, count: length))
        let isList = dice >> 60 & 1 == 1
        func operation(
            _ request: RandomOperation.Request, _ expected: RingModel.Expected
        ) -> RandomOperation {
            RandomOperation(request: request, flags: flags, expected: expected)
        }
        func copy(from: UInt64, to: UInt64, _ expected: RingModel.Expected) -> RandomOperation {
            guard isList else { return operation(.copy(from: from, to: to, length: UInt32(length)), expected) }
            return operation(
                .lists(from: cut(from, length, &random), to: cut(to, length, &random)), expected)
        }
        switch dice >> 56 & 15 {
        case 0: return copy(from: bad, to: toAddress, .init(status: UInt16(DMADEV_STATUS_INVALID_SRC_ADDR.rawValue)))
        case 1 where isList:
            return copy(from: fromAddress, to: bad, .init(status: UInt16(DMADEV_STATUS_INVALID_DST_ADDR.rawValue)))
        case 1:
            return operation(
                .fill(pattern: dice, to: bad, length: UInt32(length)),
                .init(status: UInt16(DMADEV_STATUS_INVALID_DST_ADDR.rawValue)))
        case 2..<5:
            return operation(
                .fill(pattern: dice, to: toAddress, length: UInt32(length)),
                .init(.pattern(dice, at: to, count: length)))
        case 5..<8: return copy(from: fromAddress, to: toAddress, copied)
        default:
            return operation(.copy(from: fromAddress, to: toAddress, length: UInt32(length)), copied)
        }
    }

    /// Cuts a range into up to 8 entries, empty ones among them. What begins at a bad address stays in one piece, with
    /// an empty entry before it: it must not become good by wrapping.
    private func cut(_ start: UInt64, _ length: Int, _ random: inout SeededGenerator) -> [dmadev_sge] {
        func entry(_ offset: Int, _ end: Int) -> dmadev_sge {
            dmadev_sge(addr: start &+ UInt64(offset), length: UInt32(end - offset), reserved: 0)
        }
        var dice = random.next()
        guard start < Self.badAddresses[0] else { return [entry(0, 0), entry(0, length)] }
        var entries: [dmadev_sge] = []
        var offset = 0
        for _ in 0..<Int(dice & 7) {
            dice >>= 7
            let end = min(length, offset + Int(dice & 127))
            entries.append(entry(offset, end))
            offset = end
        }
        entries.append(entry(offset, length))
        return entries
    }

    private func address(_ pointer: UnsafeMutableRawPointer) -> UInt64 { UInt64(UInt(bitPattern: pointer)) }
}
