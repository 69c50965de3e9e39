import Foundation

/// One HTTP request to a service that listens on a Unix socket, and its whole response.
struct HTTPRequest {
    let socketPath: String
    let path: String
    var acceptsGzip = false

    /// Sends the request and returns the body; a status other than 200, or another coding than requested, is a failure.
    func body() throws(Failure) -> Data {
        let coding = acceptsGzip ? "gzip" : "identity"
        let response = try exchange(
            "GET \(path) HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: \(coding)\r\nConnection: close\r\n\r\n")
        guard let end = response.firstRange(of: Data("\r\n\r\n".utf8)) else { throw Failure("\(path): no response") }
        let head = String(decoding: response[..<end.lowerBound], as: UTF8.self).lowercased()
        guard head.hasPrefix("http/1.1 200"), head.contains("content-encoding: gzip") == acceptsGzip else {
            throw Failure("\(path): \(head.prefix { $0 != "\r\n" })")
        }
        let body = response[end.upperBound...]
        return head.contains("transfer-encoding: chunked") ? try joinedChunks(body) : body
    }

    private func joinedChunks(_ body: Data) throws(Failure) -> Data {
        var (text, rest) = (Data(), body)
        while let end = rest.firstRange(of: Data("\r\n".utf8)),
            let size = Int(String(decoding: rest[..<end.lowerBound], as: UTF8.self), radix: 16)
        {
            if size == 0 { return text }
            text += rest[end.upperBound...].prefix(size)
            rest = rest[end.upperBound...].dropFirst(size + 2)
        }
        throw Failure("\(path): the response is incomplete")
    }

    private func exchange(_ request: String) throws(Failure) -> Data {
        let socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        try Failure.check(socket < 0 ? errno : 0, "a socket")
        defer { close(socket) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: socketPath.utf8.prefix($0.count - 1)) }
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        try Failure.check(isConnected ? 0 : errno, socketPath)
        let sent = Array(request.utf8)
        try Failure.check(send(socket, sent, sent.count, Int32(MSG_NOSIGNAL)) == sent.count ? 0 : EIO, path)
        var response = Data()
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = recv(socket, &buffer, buffer.count, 0)
            try Failure.check(count < 0 ? errno : 0, path)
            if count == 0 { return response }
            response.append(contentsOf: buffer[..<count])
        }
    }
}
