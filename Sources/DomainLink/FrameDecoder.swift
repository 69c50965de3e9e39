internal import Glibc

/// One received frame.
public struct ReceivedFrame {
    /// The header.
    public let header: FrameHeader
    /// The payload; valid until the decoder receives more bytes.
    public let payload: UnsafeRawBufferPointer
}

/// Finds frames in a byte stream of an untrusted peer.
///
/// No content traps, and the memory is constant. Where no valid header starts, bytes are skipped to the next magic
/// number. The stream of a guest that was reset ends in the middle of a frame, and what follows would be taken as its
/// payload: the owner calls ``skipIncompleteFrame()`` when a frame does not become complete in time.
public struct FrameDecoder: ~Copyable {
    /// The largest number of bytes that one ``receive(_:)`` takes.
    public static let readLength = 64 << 10

    private let buffer = UnsafeMutableRawBufferPointer.allocate(
        byteCount: FrameHeader.byteCount + FrameHeader.maximumPayloadLength + readLength, alignment: 16)
    private var start = 0, end = 0
    private var hasHeader = false

    /// The number of bytes that belonged to no valid frame.
    public private(set) var skippedByteCount: UInt64 = 0

    /// Has received nothing.
    public init() {}

    deinit {
        buffer.deallocate()
    }

    /// Whether the beginning of a frame was received, but not all of it.
    public var hasIncompleteFrame: Bool { hasHeader }

    /// Passes free memory to a closure that stores received bytes and returns their number. Call it only after ``next()``
    /// has returned `nil`.
    public mutating func receive<Failure: Error>(
        _ read: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
    ) throws(Failure) -> Int {
        if start > 0 {
            let rest = end - start
            if rest > 0, let base = buffer.baseAddress { memmove(base, base + start, rest) }
            (start, end) = (0, rest)
        }
        let free = UnsafeMutableRawBufferPointer(rebasing: buffer[end...].prefix(Self.readLength))
        let count = min(max(try read(free), 0), free.count)
        end += count
        return count
    }

    /// The next complete frame; `nil`: more bytes are needed.
    public mutating func next() -> ReceivedFrame? {
        hasHeader = false
        while findMagic(), end - start >= FrameHeader.byteCount {
            let bytes = UnsafeRawBufferPointer(rebasing: buffer[start..<end])
            guard let header = FrameHeader(bytes) else {
                skip(1)
                continue
            }
            let length = FrameHeader.byteCount + header.length
            guard bytes.count >= length else {
                hasHeader = true
                return nil
            }
            start += length
            return ReceivedFrame(
                header: header,
                payload: UnsafeRawBufferPointer(rebasing: bytes[FrameHeader.byteCount..<length]))
        }
        return nil
    }

    /// Gives up a frame whose rest does not come: what was received after its magic number is searched for frames.
    public mutating func skipIncompleteFrame() {
        guard hasHeader else { return }
        hasHeader = false
        skip(1)
    }

    /// Forgets all received bytes: another stream begins.
    public mutating func reset() {
        skip(end - start)
        hasHeader = false
    }

    /// Skips bytes before the next magic number, or before what can be the beginning of one.
    private mutating func findMagic() -> Bool {
        let magic = FrameHeader.magic.littleEndian
        while end > start, let base = buffer.baseAddress {
            let count = end - start
            guard let first = memchr(base + start, CInt(truncatingIfNeeded: magic & 0xFF), count) else {
                skip(count)
                return false
            }
            skip(first - (base + start))
            guard end - start >= MemoryLayout.size(ofValue: magic) else { return false }
            if buffer.loadUnaligned(fromByteOffset: start, as: UInt32.self) == magic { return true }
            skip(1)
        }
        return false
    }

    private mutating func skip(_ count: Int) {
        start += count
        skippedByteCount &+= UInt64(count)
    }
}
