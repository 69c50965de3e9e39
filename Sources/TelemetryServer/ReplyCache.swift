import Glibc

/// Replies kept as text, found by the bytes of the request.
///
/// A small direct-mapped table: a collision costs a reply built anew, never memory. A reply is good as long as its
/// command's generation is the one it was built under.
struct ReplyCache {
    private final class Entry {
        let reply: [UInt8]
        fileprivate let request: [UInt8]
        private let generation: UInt64
        private let currentGeneration: @Sendable () -> UInt64

        /// Whether the reply is still what the command would answer.
        var isCurrent: Bool { currentGeneration() == generation }

        fileprivate init(
            request: UnsafeRawBufferPointer, reply: UnsafeRawBufferPointer, generation: UInt64,
            currentGeneration: @escaping @Sendable () -> UInt64
        ) {
            self.request = Array(request)
            self.reply = Array(reply)
            self.generation = generation
            self.currentGeneration = currentGeneration
        }
    }

    /// Larger replies are built anew, so that the table holds 1 MiB at most.
    static let largestReply = 16 * 1024
    private static let slotCount = 64

    private var slots = [Entry?](repeating: nil, count: slotCount)

    /// The reply to exactly this request that is still good.
    func reply(to request: UnsafeRawBufferPointer) -> [UInt8]? {
        guard let entry = slots[Self.slot(of: request)], entry.request.count == request.count,
            entry.request.withUnsafeBytes({ Self.areEqual($0, request) }), entry.isCurrent
        else { return nil }
        return entry.reply
    }

    /// Keeps a reply that was built when `generation` was what `currentGeneration` gives.
    mutating func keep(
        _ reply: UnsafeRawBufferPointer, to request: UnsafeRawBufferPointer, generation: UInt64,
        currentGeneration: @escaping @Sendable () -> UInt64
    ) {
        guard reply.count <= Self.largestReply else { return }
        slots[Self.slot(of: request)] = Entry(
            request: request, reply: reply, generation: generation, currentGeneration: currentGeneration)
    }

    private static func areEqual(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        guard let left = left.baseAddress, let start = right.baseAddress else { return right.isEmpty }
        return memcmp(left, start, right.count) == 0
    }

    /// FNV-1a: requests are a dozen bytes, and nobody gains by a collision.
    private static func slot(of request: UnsafeRawBufferPointer) -> Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in request {
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        return Int(truncatingIfNeeded: (hash ^ (hash >> 32)) & UInt64(slotCount - 1))
    }
}
