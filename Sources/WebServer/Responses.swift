import Glibc
import HTTPTypes
import HummingbirdCore
import NIOCore

extension Response {
    /// A line for people.
    static func text(_ status: HTTPResponse.Status, _ text: String) -> Response {
        Response(
            status: status,
            headers: [
                .contentType: "text/plain; charset=utf-8", .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
            ], body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    /// A text that can be long: compressed if the client accepts that.
    static func long(_ text: ByteBuffer, for request: Request, headers: HTTPFields) async -> Response {
        var (headers, body) = (headers, text)
        headers[.vary] = [headers[.vary], "Accept-Encoding"].compactMap { $0 }.joined(separator: ", ")
        if text.readableBytes >= Gzip.minimumLength,
            Gzip.isAccepted(request.headers[values: .acceptEncoding].joined(separator: ",")),
            let compressed = await Gzip.compress(text)
        {
            headers[.contentEncoding] = "gzip"
            body = compressed
        }
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: body))
    }
}

extension HTTPFields {
    /// Sets the field `Date`, which HTTP wants in every response of a server with a clock.
    mutating func setDate() {
        var now = time(nil)
        var parts = tm()
        guard gmtime_r(&now, &parts) != nil else { return }
        var text = [CChar](repeating: 0, count: 40)
        let count = strftime(&text, text.count, "%a, %d %b %Y %H:%M:%S GMT", &parts)
        self[.date] = String(decoding: text.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
