import Hummingbird
public import LivePage
import NIOCore
import ServiceLifecycle
import TelemetryClient

extension HTTPRoute {
    /// The live page: `GET /` and its files, `/snapshot.json` for programs, and `/events`, which streams the same
    /// snapshots as server-sent events, about one a second.
    ///
    /// Viewers share the collections. There may be ``maximumViewers`` streams; who comes late is told so, and asks for
    /// `/snapshot.json` now and then.
    ///
    /// - Parameter address: where the server listens. A browser that asked for a name that is none of this machine's is
    ///   refused: any page could make its own name point here, and read what it should not.
    public static func livePage(of collector: SnapshotCollector, at address: ListenAddress) -> [HTTPRoute] {
        let feed = LiveFeed(collector)
        let seats = ViewerSeats(limit: maximumViewers)
        let rule = HostRule(address)
        let files = PageFile.all.map { file in
            route(file.path, "the live page", rule) { _ in
                var response = plain(.ok, ByteBuffer(bytes: file.bytes), type: file.contentType)
                response.headers[.cacheControl] = "no-cache"
                return response
            }
        }
        return files + [
            route("/snapshot.json", "what the live page shows, as JSON", rule) { _ in
                switch try await feed.next(after: nil).text {
                case .success(let text): plain(.ok, text, type: "application/json")
                case .failure(let error): plain(.serviceUnavailable, "no snapshot: \(error)\n")
                }
            },
            route("/events", "snapshots as server-sent events", rule) { _ in
                guard let seat = seats.take() else {
                    return plain(
                        .serviceUnavailable, "there are \(seats.limit) viewers, as many as may be: ask /snapshot.json\n"
                    )
                }
                return Response(status: .ok, headers: headers(type: "text/event-stream"), body: events(of: feed, seat))
            },
        ]
    }

    /// Most streams at once. Less than the connections that the server takes, so that `/metrics` stays reachable.
    public static let maximumViewers = 128

    private static func events(of feed: LiveFeed, _ seat: ViewerSeats.Seat) -> ResponseBody {
        ResponseBody { writer in
            var seen: UInt64?
            try await writer.write(ByteBuffer(string: "retry: 1000\n\n"))
            // Ends with the server, not with the grace that it gives to clients.
            while let frame = try? await cancelWhenGracefulShutdown({ [seen] in try await feed.next(after: seen) }) {
                seen = frame.number
                try await writer.write(event(frame))
            }
            try await writer.finish(nil)
            withExtendedLifetime(seat) {}
        }
    }

    private static func event(_ frame: LiveFeed.Frame) -> ByteBuffer {
        switch frame.text {
        case .success(let text):
            // The JSON has no line ends: they are escaped in strings, and there are none elsewhere.
            var event = ByteBuffer(string: "id: \(frame.number)\nevent: snapshot\ndata: ")
            event.writeImmutableBuffer(text)
            event.writeString("\n\n")
            return event
        case .failure(let error):
            let reason = error.description.split(whereSeparator: \.isNewline).joined(separator: " ")
            return ByteBuffer(string: "id: \(frame.number)\nevent: failure\ndata: \(reason)\n\n")
        }
    }

    private static func route(
        _ path: String, _ summary: String, _ rule: HostRule,
        answer: @escaping @Sendable (Request) async throws -> Response
    ) -> HTTPRoute {
        HTTPRoute(path, summary) { request, _ in
            guard rule.allows(request.head.authority) else {
                return plain(
                    .misdirectedRequest,
                    "ask by number, as http://127.0.0.1:9876/, or by the name of this machine: any page could make "
                        + "another name point here\n")
            }
            return try await answer(request)
        }
    }

    private static func plain(_ status: HTTPResponse.Status, _ text: String) -> Response {
        plain(status, ByteBuffer(string: text), type: "text/plain; charset=utf-8")
    }

    private static func plain(_ status: HTTPResponse.Status, _ body: ByteBuffer, type: String) -> Response {
        Response(status: status, headers: headers(type: type), body: ResponseBody(byteBuffer: body))
    }

    /// The page loads what this server has, and nothing else.
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
            // Each is a token, as a name has to be.
            headers[.init(name)!] = value
        }
        return headers
    }
}
