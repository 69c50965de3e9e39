internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// The frames that wait until the stream takes them, in constant memory.
struct FrameOutput: ~Copyable {
    static let capacity = 512 << 10

    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 16)
    private var start = 0, end = 0
    /// Where the frame begins that contains `start`.
    private var frameStart = 0

    deinit {
        buffer.deallocate()
    }

    var isEmpty: Bool { start == end }

    /// The number of bytes that can be added.
    var freeByteCount: Int { buffer.count - (end - frameStart) }

    /// Adds a frame, or nothing when it does not fit.
    mutating func put(_ header: FrameHeader, _ payload: UnsafeRawBufferPointer) -> Bool {
        let count = FrameHeader.byteCount + payload.count
        guard count <= freeByteCount else { return false }
        if count > buffer.count - end, let base = buffer.baseAddress {
            memmove(base, base + frameStart, end - frameStart)
            (start, end, frameStart) = (start - frameStart, end - frameStart, 0)
        }
        header.write(to: UnsafeMutableRawBufferPointer(rebasing: buffer[end..<end + FrameHeader.byteCount]))
        UnsafeMutableRawBufferPointer(rebasing: buffer[end + FrameHeader.byteCount..<end + count])
            .copyMemory(from: payload)
        end += count
        return true
    }

    /// Writes as much as the stream takes.
    ///
    /// - Returns: the number of bytes.
    /// - Throws: the error of the stream; EAGAIN is none.
    mutating func write(to stream: CInt) throws(Errno) -> Int {
        let rest = UnsafeRawBufferPointer(rebasing: buffer[start..<end])
        guard !rest.isEmpty else { return 0 }
        // Without MSG_NOSIGNAL, as the stream need not be a socket: this thread blocks SIGPIPE.
        switch systemCall({ Glibc.write(stream, rest.baseAddress, rest.count) }) {
        case .success(let count):
            advance(count)
            return count
        case .failure(.wouldBlock): return 0
        case .failure(let error): throw error
        }
    }

    private mutating func advance(_ count: Int) {
        start += count
        while frameStart < start {
            let length = frameLength
            guard start >= frameStart + length else { return }
            frameStart += length
        }
        if isEmpty { (start, end, frameStart) = (0, 0, 0) }
    }

    /// The length of the frame at `frameStart`.
    private var frameLength: Int {
        let length = FrameHeader(UnsafeRawBufferPointer(rebasing: buffer[frameStart..<end]))?.length ?? 0
        return FrameHeader.byteCount + length
    }

    /// Drops the frames of which nothing was written, except a last one that says why. The rest of the first one stays:
    /// without it the other side would take later frames as its payload.
    mutating func dropUnsent() {
        var next = start > frameStart ? frameStart + frameLength : start
        var offset = next
        while offset < end {
            let frame = UnsafeRawBufferPointer(rebasing: buffer[offset..<end])
            guard let header = FrameHeader(frame) else { break }
            let length = FrameHeader.byteCount + header.length
            if header.kind == .failed, let base = buffer.baseAddress {
                memmove(base + next, base + offset, length)
                next += length
            }
            offset += length
        }
        end = next
        if isEmpty { (start, end, frameStart) = (0, 0, 0) }
    }

    /// Drops everything: another stream begins.
    mutating func reset() {
        (start, end, frameStart) = (0, 0, 0)
    }
}
