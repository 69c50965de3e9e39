import Foundation
import TelemetryWire
import TestSupport
import Testing

/// The live page of `dmascope serve`, asked by a client that is no browser.
@Suite struct LivePageTests {
    private let scope: Scope
    private let path: String

    init() throws {
        scope = try Scope()
        path = scope.httpPath
    }

    private func arguments(_ more: [String]) -> [String] { ["-sS", "--unix-socket", path] + more }

    /// A viewer of the stream.
    private func viewer(_ more: String...) throws -> RunningProgram {
        try RunningProgram(
            requiredTool("curl", package: "curl"), arguments(["--no-buffer"] + more + ["http://localhost/events"]))
    }

    /// The snapshots that a viewer has got, by number.
    private static func snapshots(_ output: String) throws -> [Int: JSONTree] {
        var snapshots: [Int: JSONTree] = [:]
        for match in output.matches(of: #/id: ([0-9]+)\nevent: snapshot\ndata: ([^\n]*)\n\n/#) {
            snapshots[try #require(Int(match.1))] = try JSONValue(parsing: String(match.2)).tree
        }
        return snapshots
    }

    @discardableResult
    private func waitForSnapshots(_ count: Int, of viewer: RunningProgram) throws -> [Int: JSONTree] {
        try viewer.waitForOutput { output in
            let snapshots = try? Self.snapshots(output)
            return (snapshots?.count ?? 0) >= count ? snapshots : nil
        }
    }

    @Test func thePageIsServedWithAStrictPolicy() throws {
        let server = try scope.serve("--listen", "unix:\(path)")
        defer { server.kill(SIGTERM) }
        #expect(server.outputSoFar.contains("\nLive page: / on unix:\(path)\n"))
        let page = try scope.curl("--include", "http://localhost/")
        #expect(page.hasPrefix("HTTP/1.1 200 "))
        #expect(page.contains("Content-Type: text/html; charset=utf-8"))
        #expect(page.contains("Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "))
        for header in ["X-Content-Type-Options: nosniff", "Referrer-Policy: no-referrer", "Cache-Control: no-cache"] {
            #expect(page.contains(header), "\(header)")
        }
        #expect(page.contains("<title>dmascope</title>") && page.hasSuffix("</html>\n"))
        #expect(try scope.curl("--head", "http://localhost/page.js").contains("text/javascript; charset=utf-8"))
        let stream = try scope.curl("--head", "http://localhost/events")
        #expect(stream.contains("text/event-stream") && stream.contains("X-Accel-Buffering: no"))
        #expect(try scope.curl("--head", "http://localhost/snapshot.json").contains("Cache-Control: no-store"))
    }

    @Test func aSnapshotTellsOfTheProcessAndItsDevices() throws {
        let server = try scope.serve("--workload", "copy", "--listen", "unix:\(path)")
        defer { server.kill(SIGTERM) }
        let snapshot = try JSONValue(parsing: scope.curl("http://localhost/snapshot.json")).tree
        let process = try #require(
            snapshot["processes"]?.elements.first { $0["pid"]?.integer == Int64(server.processID) })
        #expect(process["prefix"]?.string == "dmascope" && process["name"]?.string == "dmascope")
        #expect(process["path"]?.string == scope.socket())
        #expect(process["devices"]?.elements.map { $0["name"]?.string } == ["dma0", "dma1"])
        #expect(process["devices"]?[1]?["vchans"]?.elements.count == 2)
    }

    @Test func viewersShareSnapshotsWhoseFiguresMove() throws {
        let server = try scope.serve("--workload", "copy", "--listen", "unix:\(path)")
        let viewers = try (0..<3).map { _ in try viewer() }
        // Late enough that all of them were there for several.
        let seen = try viewers.map { try waitForSnapshots(4, of: $0) }
        let common = Set(seen[0].keys).intersection(seen[1].keys).intersection(seen[2].keys)
        #expect(common.count >= 2, "\(seen.map { $0.keys.sorted() })")
        for number in common { #expect(seen[0][number] == seen[1][number] && seen[0][number] == seen[2][number]) }
        func completed(_ snapshot: JSONTree?) -> UInt64 {
            let own = snapshot?["processes"]?.elements.first { $0["pid"]?.integer == Int64(server.processID) }
            return own?["devices"]?[0]?["vchans"]?[0]?["counters"]?["completed"]?.unsigned ?? 0
        }
        let numbers = seen[0].keys.sorted()
        #expect(completed(seen[0][numbers[3]]) > completed(seen[0][numbers[0]]))

        // Its end ends the streams, in good order, so that no viewer waits for the grace that clients have.
        server.kill(SIGTERM)
        #expect(try server.wait().exit == .exited(0))
        for viewer in viewers { #expect(try viewer.wait().exit == .exited(0)) }
        #expect(try scope.leftovers.isEmpty)
    }

    @Test func withoutViewersThereAreNoSnapshots() throws {
        let server = try scope.serve("--listen", "unix:\(path)")
        defer { server.kill(SIGTERM) }
        let first = try viewer()
        let last = try #require(try waitForSnapshots(2, of: first).keys.max())
        first.kill(SIGTERM)
        try first.wait()

        // As long as another server takes for six, which has a viewer.
        let other = scope.directory.file("other")
        let busy = try scope.serve("--file-prefix", "busy", "--listen", "unix:\(other)")
        defer { busy.kill(SIGTERM) }
        try waitForSnapshots(6, of: viewer("--unix-socket", other))

        // Two may have been on their way before it was noticed that the viewer had left, one is the new viewer's.
        let next = try #require(try waitForSnapshots(1, of: viewer()).keys.min())
        #expect(next <= last + 3)
    }

    @Test func aSlowViewerMissesSomeAndKeepsNobodyWaiting() throws {
        // So many devices that a few snapshots fill what the system keeps for a connection.
        let devices = (0..<60).flatMap { _ in ["--device", "software,engine=e0"] }
        let server = try RunningProgram(
            scope.program, ["serve", "--no-controller", "--listen", "unix:\(path)"] + devices,
            environment: scope.environment)
        try server.waitForOutput(containing: "Ctrl-C ends it.")
        // Reads when it is told to.
        let script = """
            import re, socket, sys
            s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
            s.send(b"GET /events HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n"); s.recv(10); print("sent", flush=True)
            if sys.stdin.readline():
                rest = b""
                while True:
                    piece = s.recv(65536)
                    if not piece: break
                    rest += piece
                    for match in re.finditer(rb"\\nid: (\\d+)\\n", rest): print("id", int(match[1]), flush=True)
                    rest = rest[-30:]
            """
        let slow = try (0..<2).map { _ in try RunningProgram("/usr/bin/python3", ["-c", script, path]) }
        for slow in slow { try slow.waitForOutput(containing: "sent") }
        let viewer = try viewer()
        let numbers = try waitForSnapshots(9, of: viewer).keys.sorted()
        #expect(numbers == Array(numbers[0]...numbers[0] + 8))

        slow[0].write("read\n")
        let read = try slow[0].waitForOutput { output in
            let read = Set(output.matches(of: #/id ([0-9]+)\n/#).compactMap { Int($0.1) })
            return (read.max() ?? 0) >= numbers[8] ? read : nil
        }
        #expect(read.count < numbers[8] - (read.min() ?? 0) + 1, "\(read.sorted())")

        // The other one still does not read, which does not keep the server from ending.
        server.kill(SIGTERM)
        #expect(try server.wait().exit == .exited(0))
        slow[1].closeInput()
        for slow in slow { try slow.wait() }
        try viewer.wait()
    }

    @Test func moreViewersThanMayBeAreToldSoAndMetricsStayReachable() throws {
        let server = try scope.serve("--listen", "unix:\(path)")
        defer { server.kill(SIGTERM) }
        let script = """
            import socket, sys
            crowd = []
            for number in range(129):
                s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
                s.send(b"GET /events HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n"); crowd.append(s)
                print(number, s.recv(12).decode(), flush=True)
            sys.stdin.read()
            """
        let crowd = try RunningProgram("/usr/bin/python3", ["-c", script, path])
        let output = try crowd.waitForOutput(containing: "\n128 HTTP/1.1 ")
        let answers = try crowd.waitForOutput { output in
            output.components(separatedBy: "HTTP/1.1 ").count > 129 ? output : nil
        }
        #expect(output.contains("127 HTTP/1.1 200"))
        #expect(answers.contains("128 HTTP/1.1 503"))
        #expect(try scope.curl("--include", "http://localhost/events").contains("128 viewers"))
        #expect(try scope.curl("http://localhost/metrics").contains("dmascope_build_info"))
        #expect(try scope.curl("http://localhost/snapshot.json").hasPrefix("{\"program\""))
        crowd.closeInput()
        try crowd.wait()
        // Their places are free again, once their leaving is noticed.
        while try scope.curl("--head", "http://localhost/events").hasPrefix("HTTP/1.1 503") {}
    }

    @Test(
        arguments: [
            ("127.0.0.1:9876", 200), ("localhost", 200), ("[::1]:80", 200), ("a.localhost:1", 200),
            ("evil.example", 421),
            ("evil.example:9876", 421), ("127.0.0.1.evil.example", 421), ("[evil]", 421),
        ])
    func aNameThatAnybodyCanPointHereIsRefused(host: String, status: Int) throws {
        let server = try scope.serve("--listen", "unix:\(path)")
        defer { server.kill(SIGTERM) }
        for path in ["/", "/snapshot.json", "/events", "/metrics", "/healthz", "/nothing"] {
            let answer = try scope.curl("--head", "--header", "Host: \(host)", "http://localhost\(path)")
            let expected = path == "/nothing" && status == 200 ? 404 : status
            #expect(answer.hasPrefix("HTTP/1.1 \(expected) "), "\(host) \(path): \(answer)")
        }
    }
}
