import Foundation
import TestSupport
import Testing

/// What the HTTP server of `dmascope serve` refuses, and what it does under load.
@Suite struct HTTPTests {
    private let scope: Scope
    private let path: String

    init() throws {
        scope = try Scope()
        path = scope.httpPath
    }

    /// Sends bytes, and returns what comes until the server closes the connection.
    private func send(_ text: String) throws -> String {
        let script = """
            import socket, sys
            s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.settimeout(20)
            s.send(sys.argv[2].encode())
            while True:
                part = s.recv(4096)
                if not part: break
                print(part.decode(), end="")
            """
        return try outputOfProgram("/usr/bin/python3", ["-c", script, path, text])
    }

    @Test func healthAndReadinessAreAnswered() throws {
        let server = try scope.serve("--listen", "unix:\(path)")
        defer { server.kill(SIGTERM) }
        #expect(try scope.curl("http://localhost/healthz") == "ok\n")
        #expect(try scope.curl("http://localhost/readyz") == "ok\n")
    }

    @Test func aServiceWithoutAStartedDeviceIsNotReady() throws {
        let server = try scope.serve("--listen", "unix:\(path)", "--device", "software,capabilities=fill")
        defer { server.kill(SIGTERM) }
        #expect(try scope.curl("--include", "http://localhost/readyz").hasPrefix("HTTP/1.1 503 "))
        #expect(try scope.curl("http://localhost/readyz") == "no device is started\n")
        #expect(try scope.curl("http://localhost/healthz") == "ok\n")
    }

    @Test func otherMethodsAndDoubleHostsAreRefused() throws {
        let server = try scope.serve("--listen", "unix:\(path)", "--allow-host", "Scraper.Example")
        defer { server.kill(SIGTERM) }
        for method in ["POST", "DELETE", "OPTIONS"] {
            let answer = try scope.curl("--include", "--request", method, "http://localhost/metrics")
            #expect(answer.hasPrefix("HTTP/1.1 405 ") && answer.contains("Allow: GET, HEAD"), "\(method): \(answer)")
        }
        let unknown = try send("BREW /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        #expect(unknown.hasPrefix("HTTP/1.1 405 ") && unknown.contains("Allow: GET, HEAD"))
        let twice = try send("GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n")
        #expect(twice.hasPrefix("HTTP/1.1 400 ") && !twice.contains("dmadev_"))
        let allowed = try scope.curl("--include", "--header", "Host: scraper.example:9876", "http://localhost/metrics")
        #expect(allowed.hasPrefix("HTTP/1.1 200 "))
    }

    @Test(arguments: ["/metrics", "/snapshot.json"]) func longTextsAreCompressed(page: String) throws {
        let server = try scope.serve("--listen", "unix:\(path)")
        defer { server.kill(SIGTERM) }
        let url = "http://localhost\(page)"
        let plain = try scope.curl(url)
        let text = try scope.curl("--compressed", url)
        #expect(text.prefix(20) == plain.prefix(20) && text.last == plain.last)
        let head = try scope.curl("--compressed", "--head", url).lowercased()
        #expect(head.contains("content-encoding: gzip") && head.contains("vary: ") && head.contains("accept-encoding"))
        let size = try scope.curl("--compressed", "--output", "/dev/null", "--write-out", "%{size_download}", url)
        #expect(try #require(Int(size)) * 2 < plain.utf8.count)
        for refusal in ["gzip;q=0", "br", "*;q=0, identity"] {
            let answer = try scope.curl("--head", "--header", "Accept-Encoding: \(refusal)", url).lowercased()
            #expect(answer.hasPrefix("http/1.1 200 ") && !answer.contains("content-encoding"), "\(refusal)")
        }
    }

    /// A program that the service starts inherits none of them.
    @Test func allDescriptorsAreClosedOnExec() throws {
        let server = try scope.serve("--listen", "unix:\(path)")
        defer { server.kill(SIGTERM) }
        let curl = try requiredTool("curl", package: "curl")
        let viewer = try RunningProgram(curl, ["-sSN", "--unix-socket", path, "http://localhost/events"])
        defer { viewer.kill(SIGTERM) }
        try viewer.waitForOutput(containing: "event: snapshot")
        let directory = "/proc/\(server.processID)/fdinfo"
        let inherited = try FileManager.default.contentsOfDirectory(atPath: directory).filter { name in
            // One that was closed meanwhile has no file.
            guard let text = try? String(contentsOfFile: "\(directory)/\(name)", encoding: .utf8) else { return false }
            let line = text.split(separator: "\n").first { $0.hasPrefix("flags:") }
            let flags = line.flatMap { Int($0.dropFirst(6).filter(\.isNumber), radix: 8) }
            return try #require(flags) & Int(O_CLOEXEC) == 0
        }
        #expect(Set(inherited).isSubset(of: ["0", "1", "2"]))
    }

    @Test func halfRequestsKeepNobodyOut() throws {
        let server = try scope.serve("--listen", "unix:\(path)")
        defer { server.kill(SIGTERM) }
        // More than there are seats, each with half a head.
        let script = """
            import socket, sys
            crowd = []
            for number in range(300):
                s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.send(b"GET /metr"); crowd.append(s)
            print("crowded", flush=True)
            crowd[-1].settimeout(20)
            print(crowd[-1].recv(1000).decode(), flush=True)
            """
        let crowd = try RunningProgram("/usr/bin/python3", ["-c", script, path])
        try crowd.waitForOutput(containing: "crowded")
        #expect(try scope.curl("http://localhost/metrics").contains("dmascope_build_info"))
        // The last one still has its seat, and gets an answer when its time is over.
        let output = try crowd.waitForOutput(containing: "within 5 s")
        #expect(output.contains("HTTP/1.1 408 "))
    }
}
