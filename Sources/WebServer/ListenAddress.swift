/// The address on which an HTTP server listens.
public enum ListenAddress: Sendable, Hashable, CustomStringConvertible {
    /// A host, as IP address or name, or ``everyHost``, and a port; with port 0 the kernel selects a free one.
    case tcp(host: String, port: Int)
    /// The path of a Unix socket.
    case unix(path: String)

    /// The host that stands for all addresses of this machine, of IPv4 and IPv6.
    public static let everyHost = "*"

    /// Parses `HOST:PORT`, `[IPv6]:PORT`, `:PORT` or `*:PORT` (all addresses), or `unix:PATH`; `nil` for other text.
    public init?(_ text: String) {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst("unix:".count))
            guard !path.isEmpty, !path.utf8.contains(0) else { return nil }
            self = .unix(path: path)
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            return nil
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty || colon == text.startIndex else { return nil }
        self = .tcp(host: host.isEmpty ? Self.everyHost : String(host), port: Int(port))
    }

    /// The form that ``init(_:)`` parses.
    public var description: String {
        switch self {
        case .unix(let path): "unix:\(path)"
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        }
    }

    /// What a client opens: `http://127.0.0.1:9876`, or `unix:PATH`.
    var location: String {
        switch self {
        case .unix: description
        case .tcp(Self.everyHost, let port): "http://localhost:\(port)"
        case .tcp: "http://\(self)"
        }
    }
}
