import CZlib
import NIOCore

/// Compression of responses, by zlib.
enum Gzip {
    /// Shorter texts are sent as they are.
    static let minimumLength = 1024

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
}

/// Compresses a text part by part.
final class GzipStream {
    /// The size of a compressed part; the last one is smaller.
    private static let partSize = 64 << 10

    // zlib keeps the address.
    private let stream: UnsafeMutablePointer<z_stream>
    /// What is not yet compressed of the last part of the text.
    private var input: ByteBuffer
    private var hasInput = true
    private var isEnded = false

    /// `nil` if zlib has no memory.
    ///
    /// - Parameter first: the first part of the text.
    init?(after first: ByteBuffer) {
        input = first
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // 16 selects the format of gzip. The fastest level: metrics compress to a tenth with it.
        let result = deflateInit2_(
            stream, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        guard result == Z_OK else { return nil }
    }

    deinit {
        // Does nothing for a stream that was not made.
        deflateEnd(stream)
        stream.deallocate()
    }

    /// The next compressed part; `nil` after the last one.
    ///
    /// - Parameter parts: returns the next part of the text.
    func next(of parts: LongText.Parts) throws -> ByteBuffer? {
        guard !isEnded else { return nil }
        var output = ByteBufferAllocator().buffer(capacity: Self.partSize)
        while output.writableBytes > 0, !isEnded {
            if input.readableBytes == 0, hasInput {
                if let part = try parts() { input = part } else { hasInput = false }
            }
            try deflateInput(to: &output)
        }
        return output
    }

    /// Compresses as much of the input as there is room for.
    private func deflateInput(to output: inout ByteBuffer) throws {
        var result = Z_OK
        input.readWithUnsafeReadableBytes { input in
            output.writeWithUnsafeMutableBytes(minimumWritableBytes: 0) { room in
                // zlib does not write to its input. Both are shorter than 4 GiB, which is the limit of a buffer.
                stream.pointee.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: UInt8.self).baseAddress)
                stream.pointee.avail_in = UInt32(input.count)
                stream.pointee.next_out = room.bindMemory(to: UInt8.self).baseAddress
                stream.pointee.avail_out = UInt32(room.count)
                result = deflate(stream, hasInput ? Z_NO_FLUSH : Z_FINISH)
                return room.count - Int(stream.pointee.avail_out)
            }
            return input.count - Int(stream.pointee.avail_in)
        }
        isEnded = result == Z_STREAM_END
        // Also said of a call without input, which changes nothing.
        guard result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR else { throw GzipError(code: result) }
    }
}

/// An error of zlib: a programming error, never caused by data.
struct GzipError: Error, Sendable {
    let code: Int32
}
