import Foundation
import TestSupport

/// nginx with the configuration that the documentation shows, in front of a server.
final class Nginx {
    /// Where the live page is, as `http://127.0.0.1:8080/dma/`.
    let address: String
    private let program: RunningProgram

    private static let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
    private static let path = package.appendingPathComponent(".cache/nginx/usr/sbin/nginx").path

    /// Whether `scripts/fetch-packages nginx` has unpacked it.
    static let isThere = FileManager.default.isExecutableFile(atPath: path)

    /// The text of the guide's configuration.
    private static func location(_ server: String) throws -> String {
        let page = package.appendingPathComponent("Sources/LivePage/LivePage.docc/UsingThePage.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        guard let block = text.firstMatch(of: #/```nginx\n([^`]*)```/#)?.1, block.contains("http://127.0.0.1:9876/")
        else {
            throw TestSupportError("UsingThePage.md has no configuration of nginx for http://127.0.0.1:9876/")
        }
        return block.replacingOccurrences(of: "http://127.0.0.1:9876/", with: server)
    }

    /// - Parameter server: the address of the live page without a proxy, as `http://127.0.0.1:9876/`.
    init(in directory: TemporaryDirectory, before server: String) throws {
        let folder = directory.file("nginx")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        let port = try Self.freePort()
        let places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map { "\($0)_temp_path \(folder)/\($0);" }
        let configuration = """
            daemon off; master_process off; pid \(folder)/pid; error_log stderr; events {}
            http {
                access_log off; \(places.joined(separator: " "))
                server { listen 127.0.0.1:\(port); \(try Self.location(server)) }
            }

            """
        try configuration.write(toFile: folder + "/nginx.conf", atomically: false, encoding: .utf8)
        program = try RunningProgram(Self.path, ["-e", "stderr", "-p", folder, "-c", folder + "/nginx.conf"])
        address = "http://127.0.0.1:\(port)/dma/"
    }

    deinit {
        program.kill(SIGTERM)
        _ = try? program.wait()
    }

    /// A port that was free a moment ago: nginx cannot choose one.
    private static func freePort() throws -> UInt16 {
        let raw = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(raw) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(raw, generic, length) == 0 ? getsockname(raw, generic, &length) : -1
            }
        }
        guard result == 0 else { throw TestSupportError("no free port: \(String(cString: strerror(errno)))") }
        return UInt16(bigEndian: address.sin_port)
    }
}
