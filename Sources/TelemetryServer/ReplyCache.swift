import Glibc
import TelemetryWire

/// Replies, with the request's bytes as key.
///
/// A small direct-mapped table: after a collision a reply is built again, and the table never grows. A reply is valid
/// as long as its command's generation number is the same as when it was built.
struct ReplyCache {
    /// What is kept of a reply. No enumeration: its pointers have bits of their own, and LeakSanitizer does not know them.
    struct Reply {
        private var text: [UInt8] = []
        /// `nil`: the text is the reply.
        private var refreshed: RefreshedReply?

        init(_ text: UnsafeRawBufferPointer) { self.text = Array(text) }
        init(_ reply: RefreshedReply) { refreshed = reply }

        /// Passes the text to `body`.
        ///
        /// - Throws: what the command throws.
        func withText(_ body: (UnsafeRawBufferPointer) -> Void) throws(TelemetryCommandError) {
            if let refreshed { return try refreshed.withText(body) }
            text.withUnsafeBytes(body)
        }

        fileprivate var byteCount: Int { text.count }
    }

    private final class Entry {
        let reply: Reply
        fileprivate let request: [UInt8]
        private let generation: UInt64
        private let currentGeneration: @Sendable () -> UInt64

        /// Whether the command would still return the same reply.
        var isCurrent: Bool { currentGeneration() == generation }

        fileprivate init(
            request: UnsafeRawBufferPointer, reply: Reply, generation: UInt64,
            currentGeneration: @escaping @Sendable () -> UInt64
        ) {
            self.request = Array(request)
            self.reply = reply
            self.generation = generation
            self.currentGeneration = currentGeneration
        }
    }

    /// Larger texts are not cached, so that the table has at most 1 MiB.
    static let largestReply = 16 * 1024
    private static let slotCount = 64

    private var slots = [Entry?](repeating: nil, count: slotCount)

    /// The valid cached reply to exactly this request; `nil` if there is none.
    func reply(to request: UnsafeRawBufferPointer) -> Reply? {
        guard let entry = slots[Self.slot(of: request)], entry.request.count == request.count,
            entry.request.withUnsafeBytes({ Self.areEqual($0, request) }), entry.isCurrent
        else { return nil }
        return entry.reply
    }

    /// Caches a reply. `generation` is the value of `currentGeneration` from before it was built.
    mutating func keep(
        _ reply: Reply, to request: UnsafeRawBufferPointer, generation: UInt64,
        currentGeneration: @escaping @Sendable () -> UInt64
    ) {
        guard reply.byteCount <= Self.largestReply else { return }
        slots[Self.slot(of: request)] = Entry(
            request: request, reply: reply, generation: generation, currentGeneration: currentGeneration)
    }

    private static func areEqual(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        guard let left = left.baseAddress, let start = right.baseAddress else { return right.isEmpty }
        return memcmp(left, start, right.count) == 0
    }

    /// FNV-1a: requests have about a dozen bytes, and a collision does no harm.
    private static func slot(of request: UnsafeRawBufferPointer) -> Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in request {
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        return Int(truncatingIfNeeded: (hash ^ (hash >> 32)) & UInt64(slotCount - 1))
    }
}
