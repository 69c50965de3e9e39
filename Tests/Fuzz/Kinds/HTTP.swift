import Dispatch
import Glibc
import LinuxSystem
import LivePage
import Logging
import MetricsExporter
import SystemPackage
import WebServer

extension FuzzKind {
    /// What a client sends to the web server, on one connection. It gets responses with a known status, or none, and the
    /// connection ends.
    static let http = FuzzKind(name: "http") { bytes in
        let response = HTTPScene.shared.exchange(bytes)
        guard !response.isEmpty else { return }
        let status = response.prefix { $0 != UInt8(ascii: "\r") }
        let line = String(decoding: status, as: UTF8.self)
        let known = ["200", "400", "404", "405", "408", "413", "414", "417", "421", "431", "501", "503", "505"]
        require(
            line.hasPrefix("HTTP/1.") && known.contains(String(line.dropFirst("HTTP/1.1 ".count).prefix(3))),
            "the response begins with \(line)")
    }
}

/// The web server with all routes, over no sources, on a socket in a directory of its own.
@MainActor
private final class HTTPScene {
    static let shared = HTTPScene()

    private let path: String

    private init() {
        path = "\(FuzzKind.directory)/http"
        var metrics = MetricsCollector.Configuration()
        metrics.directories = []
        metrics.sysfs = "\(FuzzKind.directory)/sys"
        var page = SnapshotCollector.Configuration()
        page.directories = []
        let routes =
            HTTPRoute.livePage(of: SnapshotCollector(page)) + [.metrics(of: MetricsCollector(metrics))]
            + HTTPRoute.health { nil }
        let ready = DispatchSemaphore(value: 0)
        let service = HTTPService(
            .unix(path: path), routes: routes, logger: Logger(label: "fuzz") { _ in SwiftLogNoOpLogHandler() },
            onListening: { _ in ready.signal() })
        Task.detached { try await service.run() }
        ready.wait()
    }

    /// Sends everything, ends its side, and reads to the end of the connection.
    func exchange(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        let socket = connected()
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = UnsafeRawBufferPointer(rebasing: rest)
            guard case .success(let count) = systemCall({ send(socket.raw, part.baseAddress, part.count, 0) }) else {
                break
            }
            rest = rest.dropFirst(count)
        }
        shutdown(socket.raw, CInt(SHUT_WR))
        var response: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            // If nothing comes, libFuzzer ends the process after its limit for one input.
            let result = buffer.withUnsafeMutableBytes { buffer in
                systemCall { recv(socket.raw, buffer.baseAddress, buffer.count, 0) }
            }
            guard case .success(let count) = result, count > 0 else { return response }
            response += buffer[..<count]
            // The stream of the live page has no end.
            let isStream = response.withUnsafeBytes { contains($0, Array("text/event-stream".utf8)) }
            if isStream { return response }
        }
    }

    private func connected() -> OwnedDescriptor {
        let raw = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let isConnected = withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(raw, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        require(raw >= 0 && isConnected, "cannot connect to \(path)")
        return OwnedDescriptor(adopting: raw)
    }
}
