internal import LinuxSystem

/// A set of handlers that one thread adds to and another one reads.
final class HandlerBits: @unchecked Sendable {
    // Constant; the words behind it are atomic.
    private let words: UnsafeMutablePointer<UInt64>
    private static let wordCount = (Int(UInt16.max) + 1) / 64

    init() {
        words = .allocate(capacity: Self.wordCount)
        words.initialize(repeating: 0, count: Self.wordCount)
    }

    deinit {
        words.deallocate()
    }

    static func place(of handler: UInt16) -> (word: Int, bit: UInt64) {
        (Int(handler) / 64, 1 << (UInt64(handler) % 64))
    }

    func insert(_ bits: [(word: Int, bits: UInt64)]) {
        for (word, more) in bits {
            let old = (words + word).loadRelaxed()
            if old | more != old { (words + word).storeRelaxed(old | more) }
        }
    }

    func contains(_ handler: UInt16) -> Bool {
        let (word, bit) = Self.place(of: handler)
        return (words + word).loadRelaxed() & bit != 0
    }
}
