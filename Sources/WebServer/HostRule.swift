import Glibc
import NIOCore

/// The host names that requests of browsers may use.
///
/// Any web site can make its own name resolve to this machine (DNS rebinding). For a browser, its pages then have the same
/// origin as the live page and can read it. But a browser sends the requested name in `Host`. The server therefore answers
/// only names that no web site can own: IP addresses, `localhost`, the name of this machine, and the name that the server
/// listens on.
struct HostRule: Sendable {
    private let names: Set<String>

    init(_ address: ListenAddress, _ allowedNames: [String] = []) {
        var names = Set(["localhost"] + allowedNames.map { $0.lowercased() })
        if case .tcp(let host, _) = address { names.insert(host.lowercased()) }
        var own = [CChar](repeating: 0, count: 256)
        if gethostname(&own, own.count - 1) == 0 {
            let name = String(decoding: own.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                .lowercased()
            names.formUnion([name, String(name.prefix { $0 != "." })])
        }
        self.names = names.subtracting([""])
    }

    /// Whether a request with this `Host` header is answered. Requests without it are: no browser sends them.
    func allows(_ authority: String?) -> Bool {
        guard let authority, !authority.isEmpty else { return true }
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return false }
            return Self.isAddress(String(authority[authority.index(after: authority.startIndex)..<end]), .inet6)
        }
        var host = authority.prefix { $0 != ":" }.lowercased()
        if host.hasSuffix(".") { host.removeLast() }
        return names.contains(host) || host.hasSuffix(".localhost") || Self.isAddress(host, .inet)
    }

    private static func isAddress(_ text: String, _ family: NIOBSDSocket.ProtocolFamily) -> Bool {
        (try? SocketAddress(ipAddress: text, port: 0))?.protocol == family
    }
}
