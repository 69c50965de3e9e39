import Dispatch
import HTTPTypes
import HummingbirdCore
import LinuxSystem
import NIOCore

/// Answers the requests of one route with texts that can be long. A text is made in parts while its client reads it, so that
/// few parts are in memory at once, and is compressed if the client accepts that.
///
/// The parts of all texts are made on one queue, one after another. A text whose client does not read waits and does not
/// hold up the others. What its parts are made of stays in memory meanwhile, so the number of such texts has a limit.
final class LongTexts: Sendable {
    private struct Reference: Sendable {
        weak let text: LongText?
    }

    private let queue: DispatchQueue
    private let maximum: Int
    private let patience: Duration
    private let texts = Locked<[Reference]>([])

    /// - Parameters:
    ///   - label: the name of the queue.
    ///   - maximum: when there are as many texts, a new one replaces the one that has waited longest for its client: that
    ///     response ends incomplete.
    ///   - patience: a text that has waited for less time is not replaced.
    init(_ label: String, maximum: Int = 8, patience: Duration = .seconds(1)) {
        // Uses the threads that also run tasks: no other thread need wake to send the part.
        queue = DispatchQueue(label: label, target: .global())
        self.maximum = maximum
        self.patience = patience
    }

    /// A response with a text. It has a `Content-Length` if the text has a single part, or if the method is HEAD; else it
    /// is sent in chunks.
    ///
    /// - Parameters:
    ///   - parts: makes the text.
    ///   - request: the request: its method, and the codings that its client accepts.
    ///   - headers: the header of the response. Those of the coding are added.
    ///   - onFailure: receives the error of a part after the head of the response was sent. The response then ends
    ///     incomplete, and the connection is closed.
    /// - Throws: the error of one of the first two parts.
    func response(
        _ parts: sending @escaping LongText.Parts, to request: Request, headers: HTTPFields,
        onFailure: @escaping @Sendable (any Error) -> Void
    ) async throws -> Response {
        let acceptsGzip = Gzip.isAccepted(request.headers[values: .acceptEncoding].joined(separator: ","))
        let text = LongText(parts, acceptsGzip: acceptsGzip, queue)
        add(text)
        let (first, isCompressed) = try await text.first()
        var headers = headers
        headers[.vary] = [headers[.vary], "Accept-Encoding"].compactMap { $0 }.joined(separator: ", ")
        if isCompressed { headers[.contentEncoding] = "gzip" }
        guard let second = try await text.next() else {
            return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: first))
        }
        if request.method == .head {
            var length = first.readableBytes + second.readableBytes
            while let part = try await text.next() { length += part.readableBytes }
            headers[.contentLength] = "\(length)"
            return Response(status: .ok, headers: headers)
        }
        let body = ResponseBody { writer in
            try await writer.write(first)
            var part: ByteBuffer? = second
            while let next = part {
                try await writer.write(next)
                do { part = try await text.next() } catch {
                    onFailure(error)
                    throw error
                }
            }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: headers, body: body)
    }

    /// The same for a text that is in memory.
    func response(_ text: ByteBuffer, to request: Request, headers: HTTPFields) async throws -> Response {
        var rest: ByteBuffer? = text
        return try await response({ rest.take() }, to: request, headers: headers, onFailure: { _ in })
    }

    private func add(_ text: LongText) {
        let replaced = texts.withLock { texts -> LongText? in
            texts.removeAll { $0.text == nil }
            let replaced = texts.count < maximum ? nil : longestWaiting(texts.compactMap(\.text))
            texts.removeAll { $0.text === replaced }
            texts.append(Reference(text: text))
            return replaced
        }
        replaced?.end()
    }

    private func longestWaiting(_ texts: [LongText]) -> LongText? {
        let now = MonotonicTime.now
        let waiting = texts.compactMap { text in text.waitingSince.map { (text: text, since: $0) } }
        return waiting.filter { $0.since.advanced(by: patience) <= now }.min { $0.since < $1.since }?.text
    }
}
