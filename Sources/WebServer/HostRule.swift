import Glibc
import NIOCore

/// Which names a browser may have asked for.
///
/// A page of anywhere can make its own name point to this machine (DNS rebinding), and would then be taken for the same
/// origin as the live page and read it. A browser cannot lie about the name that it asked for, so only those that nobody
/// else can have are answered: numbers, `localhost`, the name of this machine, and the one that the server listens on.
struct HostRule: Sendable {
    private let names: Set<String>

    init(_ address: ListenAddress) {
        var names: Set<String> = ["localhost"]
        if case .tcp(let host, _) = address { names.insert(host.lowercased()) }
        var own = [CChar](repeating: 0, count: 256)
        if gethostname(&own, own.count - 1) == 0 {
            let name = String(decoding: own.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                .lowercased()
            names.formUnion([name, String(name.prefix { $0 != "." })])
        }
        self.names = names.subtracting([""])
    }

    /// Whether a request with this `Host` header is answered; one without it comes from no browser.
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
