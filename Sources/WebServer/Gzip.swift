import CZlib
import Dispatch
import NIOCore

/// Compression of responses, by zlib.
enum Gzip {
    /// Shorter texts are sent as they are.
    static let minimumLength = 1024

    // Compression takes longer than the server's only thread may be held up.
    private static let queue = DispatchQueue(label: "gzip")

    /// Whether a client accepts gzip, by its `Accept-Encoding`; RFC 9110, 12.5.3.
    static func isAccepted(_ acceptEncoding: String?) -> Bool {
        var isAccepted = false
        for item in (acceptEncoding ?? "").split(separator: ",") {
            let parts = item.split(separator: ";").map { $0.filter { !$0.isWhitespace }.lowercased() }
            guard let coding = parts.first, coding == "gzip" || coding == "*" else { continue }
            let quality = parts.dropFirst().first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
            if coding == "gzip" { return quality > 0 }
            isAccepted = quality > 0
        }
        return isAccepted
    }

    /// The compressed bytes; `nil` if zlib has no memory.
    static func compress(_ bytes: ByteBuffer) async -> ByteBuffer? {
        await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: deflated(bytes)) }
        }
    }

    private static func deflated(_ bytes: ByteBuffer) -> ByteBuffer? {
        var stream = z_stream()
        // 16 selects the format of gzip. The fastest level: metrics compress to a tenth with it.
        guard
            deflateInit2_(
                &stream, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
                Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { return nil }
        defer { deflateEnd(&stream) }
        let bound = Int(deflateBound(&stream, UInt(bytes.readableBytes)))
        var output = ByteBufferAllocator().buffer(capacity: bound)
        let isComplete = bytes.withUnsafeReadableBytes { input in
            output.writeWithUnsafeMutableBytes(minimumWritableBytes: bound) { room in
                // zlib does not write to its input.
                stream.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: UInt8.self).baseAddress)
                stream.avail_in = UInt32(input.count)
                stream.next_out = room.bindMemory(to: UInt8.self).baseAddress
                stream.avail_out = UInt32(room.count)
                return deflate(&stream, Z_FINISH) == Z_STREAM_END ? Int(stream.total_out) : 0
            } > 0
        }
        return isComplete ? output : nil
    }
}
