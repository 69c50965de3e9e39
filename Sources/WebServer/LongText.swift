import Dispatch
import LinuxSystem
import NIOCore

/// A text on its way to one client.
final class LongText: Sendable {
    /// Returns the next part of the text; `nil` after the last one. Called on the queue of the text.
    typealias Parts = () throws -> ByteBuffer?

    private struct State {
        var parts: Parts
        var gzip: GzipStream?
    }

    private let acceptsGzip: Bool
    private let queue: DispatchQueue
    /// Used on the queue only.
    private let state: Locked<State>
    private let waiting = Locked<MonotonicTime?>(nil)

    init(_ parts: sending @escaping Parts, acceptsGzip: Bool, _ queue: DispatchQueue) {
        self.acceptsGzip = acceptsGzip
        self.queue = queue
        state = Locked(State(parts: parts))
    }

    /// Since when the client has not requested the next part; `nil` while one is made.
    var waitingSince: MonotonicTime? { waiting.withLock { $0 } }

    /// Makes the first part, empty if the text is, and returns whether it and the others are compressed. Call it once.
    func first() async throws -> (part: ByteBuffer, isCompressed: Bool) {
        try await onQueue { [acceptsGzip] state in
            let part = try state.parts() ?? ByteBuffer()
            // Without memory for zlib, the text is sent as it is.
            guard acceptsGzip, part.readableBytes >= Gzip.minimumLength, let gzip = GzipStream(after: part) else {
                return (part, false)
            }
            state.gzip = gzip
            return (try gzip.next(of: state.parts) ?? ByteBuffer(), true)
        }
    }

    /// Makes the next part; `nil` after the last one.
    func next() async throws -> ByteBuffer? {
        try await onQueue { state in
            let part = try state.gzip.map { try $0.next(of: state.parts) } ?? state.parts()
            if part == nil { state = State(parts: { nil }) }
            return part
        }
    }

    /// Releases what the parts are made of; the next part is an error.
    func end() {
        queue.async { [state] in state.withLock { $0 = State(parts: { throw LongTextEnded() }) } }
    }

    /// Runs `body` on the queue, when the server's thread has taken the parts before: it then knows whether the client can
    /// have more, so that no more than one part waits for that.
    private func onQueue<Value: Sendable>(_ body: @escaping @Sendable (inout State) throws -> Value) async throws
        -> Value
    {
        waiting.withLock { $0 = nil }
        defer { waiting.withLock { $0 = .now } }
        return try await withCheckedThrowingContinuation { continuation in
            HTTPService.afterCurrentWork { [queue, state] in
                queue.async { continuation.resume(with: Result { try state.withLock(body) }) }
            }
        }
    }
}

/// Why a text has no next part.
struct LongTextEnded: Error, CustomStringConvertible {
    var description: String { "the client has stopped reading, and there are too many such clients" }
}
