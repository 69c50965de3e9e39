/// Replies kept as text, found by the bytes of the request.
///
/// A small direct-mapped table: a collision costs a reply built anew, never memory. A reply is good as long as its
/// command's generation is the one it was built under.
struct ReplyCache {
    struct Entry {
        let request: [UInt8]
        let reply: [UInt8]
        let command: Int
        let generation: UInt64
    }

    /// Larger replies are built anew, so that the table holds 1 MiB at most.
    static let largestReply = 16 * 1024
    private static let slotCount = 64

    private var slots = [Entry?](repeating: nil, count: slotCount)

    func entry(for request: UnsafeRawBufferPointer) -> Entry? {
        guard let entry = slots[Self.slot(of: request)], entry.request.count == request.count,
            entry.request.withUnsafeBytes({ $0.elementsEqual(request) })
        else { return nil }
        return entry
    }

    mutating func keep(
        _ reply: UnsafeRawBufferPointer, for request: UnsafeRawBufferPointer, command: Int, generation: UInt64
    ) {
        guard reply.count <= Self.largestReply else { return }
        slots[Self.slot(of: request)] = Entry(
            request: Array(request), reply: Array(reply), command: command, generation: generation)
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
