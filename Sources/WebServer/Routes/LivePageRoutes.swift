import HTTPTypes
import HummingbirdCore
public import LivePage
import NIOCore
import ServiceLifecycle
import TelemetryClient

extension HTTPRoute {
    /// The live page: `GET /` and its files, `/snapshot.json` for programs, and `/events`, which streams the same
    /// snapshots as server-sent events, about one each second.
    ///
    /// All viewers share the collections. At most ``maximumViewers`` streams are open at once. A further viewer gets status
    /// 503 and polls `/snapshot.json` instead.
    ///
    /// - Parameter collector: reads the sources for the page.
    public static func livePage(of collector: SnapshotCollector) -> [HTTPRoute] {
        let feed = LiveFeed(collector)
        let texts = LongTexts("snapshots")
        let viewers = ViewerLimit(limit: maximumViewers)
        let files = PageFile.all.map { file in
            HTTPRoute(file.path, "the live page") { _, _ in
                var response = plain(.ok, ByteBuffer(bytes: file.bytes), type: file.contentType)
                response.headers[.cacheControl] = "no-cache"
                return response
            }
        }
        return files + [
            HTTPRoute("/snapshot.json", "what the live page shows, as JSON") { request, _ in
                switch try await feed.next(after: nil).text {
                case .success(let text):
                    try await texts.response(text, to: request, headers: headers(type: "application/json"))
                case .failure(let error): .text(.serviceUnavailable, "no snapshot: \(error)\n")
                }
            },
            HTTPRoute("/events", "snapshots as server-sent events") { _, _ in
                guard let slot = viewers.reserve() else {
                    return .text(
                        .serviceUnavailable,
                        "there are \(viewers.limit) viewers, which is the limit: use /snapshot.json\n"
                    )
                }
                var headers = headers(type: "text/event-stream")
                // nginx and others would keep events until a buffer is full. The initialiser returns nil only for names that
                // are no HTTP tokens; this is one.
                headers[.init("X-Accel-Buffering")!] = "no"
                return Response(status: .ok, headers: headers, body: events(of: feed, slot))
            },
        ]
    }

    /// The most streams at once. It is less than the server's limit of connections, so `/metrics` stays reachable.
    public static let maximumViewers = 128

    private static func events(of feed: LiveFeed, _ slot: ViewerLimit.Slot) -> ResponseBody {
        ResponseBody { writer in
            var seen: UInt64?
            try await writer.write(ByteBuffer(string: "retry: 1000\n\n"))
            // Ends at the start of the shutdown, not after the grace period for clients.
            while let frame = try? await cancelWhenGracefulShutdown({ [seen] in try await feed.next(after: seen) }) {
                seen = frame.number
                try await writer.write(event(frame))
            }
            try await writer.finish(nil)
            withExtendedLifetime(slot) {}
        }
    }

    private static func event(_ frame: LiveFeed.Frame) -> ByteBuffer {
        switch frame.text {
        case .success(let text):
            // The JSON has no line breaks: they are escaped in strings and do not occur elsewhere.
            var event = ByteBuffer(string: "id: \(frame.number)\nevent: snapshot\ndata: ")
            event.writeImmutableBuffer(text)
            event.writeString("\n\n")
            return event
        case .failure(let error):
            let reason = error.description.split(whereSeparator: \.isNewline).joined(separator: " ")
            return ByteBuffer(string: "id: \(frame.number)\nevent: failure\ndata: \(reason)\n\n")
        }
    }

    private static func plain(_ status: HTTPResponse.Status, _ body: ByteBuffer, type: String) -> Response {
        Response(status: status, headers: headers(type: type), body: ResponseBody(byteBuffer: body))
    }

    /// The policy permits the page to load files of this server only.
    private static func headers(type: String) -> HTTPFields {
        var headers = HTTPFields()
        headers[.contentType] = type
        headers[.cacheControl] = "no-store"
        headers[.xContentTypeOptions] = "nosniff"
        headers[.contentSecurityPolicy] =
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
            + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        for (name, value) in [
            ("Referrer-Policy", "no-referrer"), ("Cross-Origin-Resource-Policy", "same-origin"),
            ("Cross-Origin-Opener-Policy", "same-origin"),
        ] {
            // The initialiser returns nil only for names that are no HTTP tokens; these three are.
            headers[.init(name)!] = value
        }
        return headers
    }
}
