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
